import { readFileSync } from "node:fs";
import { expect } from "chai";
import { encodeRlp, keccak256, toBeHex } from "ethers";
import { commitmentOf, EPOCH } from "../../sdk/src/anchor.js";
import { fromHex, type Hex, toHex, uintBytes } from "../../sdk/src/bytes.js";
import {
  type AnchorData,
  createTenon,
  type Deployment,
  ProofError,
  TenonError,
} from "../../sdk/src/index.js";
import { blockAt } from "../../sdk/src/proof/changes.js";
import { leafHash, MerkleTree } from "../../sdk/src/proof/merkle.js";
import {
  anchorSlot,
  deviceSlot,
  proveAnchor,
  proveDevice,
  storageLayout,
  verifyAnchor,
  verifyDevice,
} from "../../sdk/src/proof/records.js";
import { proveSlots, readAccount, readSlot, type StateProof, slotWord } from "../../sdk/src/proof/state.js";
import { proveEntry, type TrieEntry } from "../../sdk/src/proof/trie.js";
import type { RpcSource } from "../../sdk/src/rpc.js";
import { newTenon } from "../support/fixture.js";
import { madeState } from "../support/made-state.js";
import { anchorFrames, TestDevice } from "../support/proven-frames.js";
import { Random, testSeed } from "../support/random.js";
import { refusal } from "../support/refusal.js";
import { storageLayoutOf } from "../support/storage-layout.js";

interface Answer {
  address: Hex;
  balance: Hex;
  nonce: Hex;
  codeHash: Hex;
  storageHash: Hex;
  accountProof: Hex[];
  storageProof: { key: Hex; value: Hex; proof: Hex[] }[];
}
const { states } = JSON.parse(readFileSync("sdk/vectors/state.json", "utf8")) as {
  states: { stateRoot: Hex; proofs: Answer[] }[];
};

const seed = testSeed();
const step = "contract code";

function faultOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof ProofError) return error.step;
    throw error;
  }
  return "held";
}

describe("eth_getProof answers of Besu", () => {
  it("prove every account and slot of the vectors, and that the others are absent", () => {
    let [present, absent] = [0, 0];
    for (const { stateRoot, proofs } of states) {
      for (const { address, accountProof, storageProof, ...said } of proofs) {
        const account = readAccount(step, stateRoot, address, accountProof);
        if (account === undefined) {
          absent++;
          expect([said.balance, said.nonce, storageProof.length]).to.deep.equal(["0x0", "0x0", 0]);
          continue;
        }
        present++;
        expect(account.balance).to.equal(BigInt(said.balance));
        expect(account.nonce).to.equal(BigInt(said.nonce));
        expect(account).to.include({ codeHash: said.codeHash, storageRoot: said.storageHash });
        for (const { key, value, proof } of storageProof) {
          expect(readSlot(step, account.storageRoot, slotWord(BigInt(key)), proof)).to.equal(BigInt(value));
        }
      }
    }
    expect([present, absent]).to.deep.equal([9, 5]);
  });

  it("are taken by the slots they name: Besu answers several in an order of its own", async () => {
    const several = states
      .flatMap(({ proofs }) => proofs)
      .find(({ storageProof }) => storageProof.length > 1)!;
    const { address, accountProof, storageProof, storageHash } = several;
    const asked = storageProof.map(({ key }) => slotWord(BigInt(key)));
    const answering = (answer: Answer["storageProof"]): RpcSource => ({
      send: async () => ({ accountProof, storageProof: answer }),
    });
    const { slotPaths } = await proveSlots(answering([...storageProof].reverse()), address, asked, 1n);
    slotPaths.forEach((path, i) => {
      expect(readSlot(step, storageHash, asked[i]!, path)).to.equal(BigInt(storageProof[i]!.value));
    });
    const lacking = proveSlots(answering(storageProof.slice(1)), address, asked, 1n);
    expect((await refusal(lacking)).code).to.equal("StateUnavailable");
  });

  it("have the root of a trie built here over the same 402 accounts", () => {
    const account = (balance: bigint, nonce: string, storageRoot: string, code: string) =>
      encodeRlp([nonce, minimal(balance), storageRoot, keccak256(code)]) as Hex;
    const minimal = (value: bigint) => (value === 0n ? "0x" : toBeHex(value));
    const hashed = (key: string, value: string): TrieEntry => ({
      key: keccak256(key) as Hex,
      value: value as Hex,
    });
    const addressOf = (i: number) => keccak256(toBeHex(i, 32)).slice(0, 42);
    const rootOf = (entries: TrieEntry[]) => proveEntry(entries, entries[0]!.key).root;
    const slots = Array.from({ length: 300 }, (_, i) => {
      const word = i % 5 === 0 ? BigInt(keccak256(toBeHex(i, 32))) : BigInt(i + 1);
      return hashed(toBeHex(i, 32), encodeRlp(minimal(word)));
    });
    const one = [hashed(toBeHex(7, 32), encodeRlp("0x01"))];
    const accounts = Array.from({ length: 400 }, (_, i) =>
      hashed(addressOf(i), account(BigInt(i) * 10n ** 15n + 1n, "0x", keccak256("0x80"), "0x")),
    );
    const code = "0x600160015500";
    accounts.push(hashed(addressOf(1000), account(0n, "0x01", rootOf(slots), code)));
    accounts.push(hashed(addressOf(1001), account(0n, "0x01", rootOf(one), code)));
    expect(rootOf(accounts)).to.equal(states[0]!.stateRoot);
  });

  it(`prove nothing else: not with a byte changed, nor for another account, slot or root (seed ${seed})`, () => {
    const random = new Random(seed);
    for (const { stateRoot, proofs } of states) {
      for (const { address, accountProof, storageProof, storageHash } of proofs) {
        for (let i = 0; i < 30 && accountProof.length > 0; i++) {
          const changed = flipped(accountProof, random);
          expect(faultOf(() => readAccount(step, stateRoot, address, changed))).to.equal(step);
        }
        for (const { key, proof } of storageProof.filter(({ proof }) => proof.length > 0)) {
          const changed = flipped(proof, random);
          expect(faultOf(() => readSlot(step, storageHash, slotWord(BigInt(key)), changed))).to.equal(step);
        }
      }
      const other = states.find((each) => each.stateRoot !== stateRoot)!;
      for (const { address, accountProof } of proofs) {
        expect(faultOf(() => readAccount(step, other.stateRoot, address, accountProof))).to.equal(
          accountProof.length === 0 && other.stateRoot === keccak256("0x80") ? "held" : step,
        );
      }
    }
  });

  it("must hold accounts and words in their one form", () => {
    const address = `0x${"12".repeat(20)}`;
    const read = (value: string) => {
      const { root, path } = proveEntry(
        [{ key: keccak256(address) as Hex, value: value as Hex }],
        keccak256(address) as Hex,
      );
      return faultOf(() => readAccount(step, root, address, path));
    };
    const [root, code] = [keccak256("0x80"), keccak256("0x")];
    expect(read(encodeRlp(["0x01", "0x", root, code]))).to.equal("held");
    for (const bad of [
      ["0x00", "0x", root, code],
      ["0x01", "0x0001", root, code],
      ["0x01", "0x", root],
      ["0x01", "0x", root, "0x12"],
      ["0x01", "0x", root, code, "0x"],
      "0x12",
    ]) {
      expect(read(encodeRlp(bad)), String(bad)).to.equal(step);
    }
    const slot = slotWord(1n);
    const readWord = (value: string) => {
      const { root: storage, path } = proveEntry(
        [{ key: keccak256(slot) as Hex, value: value as Hex }],
        keccak256(slot) as Hex,
      );
      return faultOf(() => readSlot(step, storage, slot, path));
    };
    expect(readWord("0x01")).to.equal("held");
    for (const bad of ["0x00", "0x80", "0x8101", "0xc0", "0x820001", encodeRlp(`0x${"11".repeat(33)}`)]) {
      expect(readWord(bad), bad).to.equal(step);
    }
  });
});

describe("records of the contracts in their storage", () => {
  it("stand where the compiler puts them", async () => {
    const registry = await storageLayoutOf("DeviceRegistry");
    const slotOf = (layout: typeof registry, label: string) =>
      BigInt(layout.storage.find((variable) => variable.label === label)!.slot);
    const members = (layout: typeof registry, label: string) =>
      Object.values(layout.types)
        .find((type) => type.label === label)!
        .members!.map(({ label: name, slot, offset }) => [name, Number(slot), offset]);
    expect(slotOf(registry, "_words")).to.equal(storageLayout.deviceRecords);
    const log = await storageLayoutOf("AnchorLog");
    expect(slotOf(log, "_streams")).to.equal(storageLayout.streams);
    expect(members(log, "struct AnchorLog.Stream")).to.deep.equal([
      ["head", 0, 0],
      ["ring", Number(storageLayout.ring), 0],
      ["epochs", Number(storageLayout.epochs), 0],
    ]);
  });

  it("are read as the contracts say them, on the embedded chain", async () => {
    const { record, signers, ethers } = await newTenon();
    const deployment = record as unknown as Deployment;
    const tenon = await createTenon({ signer: signers.oracle, deployment });
    const maker = await createTenon({ signer: signers.manufacturer, deployment });
    const owner = await createTenon({ signer: signers.owner, deployment });
    const device = new TestDevice(deployment, "secp256k1");
    const { timestamp } = (await ethers.provider.getBlock("latest"))!;
    const registration = maker.devices.registration({ owner: 2, deadline: timestamp + 600 });
    await maker.devices
      .register(device.signer.key, registration, device.signer.signRegistration(registration))
      .wait();
    await owner.devices.suspend(device.signer.id).wait();
    const { anchor } = await anchorFrames(tenon, [device.meter(1n)], [device.head()], timestamp);

    const { id } = device.signer;
    const now = BigInt(await ethers.provider.getBlockNumber());
    const rootAt = async (block: bigint) => (await blockAt(ethers.provider, block)).stateRoot as Hex;
    const state = { stateRoot: await rootAt(now), deployment };
    const proof = await proveDevice(ethers.provider, deployment, id, now);
    const { record: read } = verifyDevice(proof, id, state);
    expect(read).to.deep.equal(await tenon.devices.get(id));
    expect(read?.status).to.equal("SuspendedByOwner");
    const older = await proveDevice(ethers.provider, deployment, id, now - 2n);
    const then = verifyDevice(older, id, { ...state, stateRoot: await rootAt(now - 2n) }).record;
    expect(then?.status, "before the suspension").to.equal("Active");

    const held = await proveAnchor(ethers.provider, deployment, anchor, now);
    expect(verifyAnchor(held, anchor, state).at(-1)!.detail).to.include("slot 0 of its ring");
    const nowhere = proveDevice(ethers.provider, deployment, id, now + 9n);
    expect((await refusal(nowhere)).code).to.equal("StateUnavailable");
  });

  const deployment = {
    version: 1,
    chainId: 1,
    genesisHash: `0x${"00".repeat(32)}`,
    deployedAtBlock: 1,
    contracts: Object.fromEntries(
      ["AccessManager", "Consortium", "DeviceRegistry", "AnchorLog", "FrameReader"].map((name, i) => [
        name,
        { address: toBeHex(i + 1, 20), block: 1, runtimeCodeHash: keccak256(toBeHex(i + 1)) },
      ]),
    ),
  } as unknown as Deployment;
  const id = `0x${"d1".repeat(32)}` as Hex;

  it("tell a device that is registered from one that is not, and refuse a word that is no record", () => {
    const word = (status: bigint, rest = 0n) =>
      (rest << 240n) | (1n << 168n) | (status << 160n) | (3n << 128n) | (1_700_000_000n << 64n) | 0xabcn;
    const read = (value: bigint) => {
      const words = { registry: { [deviceSlot(id)]: value, [slotWord(9n)]: 1n } };
      const { state, prove } = records({ deployment, words });
      return verifyDevice(prove("DeviceRegistry", deviceSlot(id)), id, state).record;
    };
    expect(read(word(1n))).to.deep.include({ status: "Active", epoch: 3, curve: 1, since: 1_700_000_000 });
    expect(read(word(4n))?.status).to.equal("Revoked");
    expect(read(1n << 175n), "the mark of a used key").to.equal(undefined);
    expect(faultOf(() => read(word(0n)))).to.equal("device record");
    expect(faultOf(() => read(word(5n)))).to.equal("device record");
    expect(faultOf(() => read(word(1n, 1n)))).to.equal("device record");

    const { state, prove } = records({ deployment, words: { registry: { [slotWord(9n)]: 1n } } });
    const { record, steps } = verifyDevice(prove("DeviceRegistry", deviceSlot(id)), id, state);
    expect(record).to.equal(undefined);
    expect(steps.at(-1)!.detail).to.include("was not registered");
    expect(faultOf(() => verifyDevice(prove("AnchorLog", deviceSlot(id)), id, state))).to.not.equal("held");
  });

  it("prove a batch by its slot of the ring, and by its epoch's root once the ring has moved on", () => {
    const batches = Array.from({ length: EPOCH }, (_, i) => batchOf(EPOCH + i));
    const tree = new MerkleTree(batches.map((batch) => leafHash(fromHex(commitmentOf(batch)))));
    const batch = batches[7]!;
    const path = tree.path(7).map(toHex);
    const words = {
      log: {
        [anchorSlot(batch)]: BigInt(commitmentOf(batch)),
        [anchorSlot(batch, path)]: BigInt(toHex(tree.root)),
      },
    };
    const { state, prove } = records({ deployment, words });
    const ring = prove("AnchorLog", anchorSlot(batch));
    const epoch = prove("AnchorLog", anchorSlot(batch, path));
    expect(verifyAnchor(ring, batch, state).at(-1)!.detail).to.include("slot 7 of its ring");
    expect(verifyAnchor(epoch, batch, state, path).at(-1)!.detail).to.include("epoch 1");
    const fault = (proof: StateProof, given: AnchorData, nodes: Hex[] = []) =>
      faultOf(() => verifyAnchor(proof, given, state, nodes));
    expect(fault(ring, { ...batch, count: 2 })).to.equal("anchor record");
    expect(fault(ring, { ...batch, batch: 7 }), "the same slot an epoch before").to.equal("anchor record");
    expect(fault(ring, { ...batch, stream: 2 })).to.equal("anchor record");
    expect(fault(ring, batch, path)).to.equal("anchor record");
    expect(fault(epoch, batch)).to.equal("anchor record");
    expect(fault(epoch, batch, [...path.slice(1), path[0]!])).to.equal("anchor record");
    expect(fault(epoch, batches[8]!, path)).to.equal("anchor record");
    expect(fault(prove("AnchorLog", slotWord(5n)), batch), "an empty slot").to.equal("anchor record");
  });

  it("count only in the recorded code, at the recorded address", () => {
    const batch = batchOf(3);
    const words = { log: { [anchorSlot(batch)]: BigInt(commitmentOf(batch)) } };
    const { state, prove } = records({ deployment, words });
    const proof = prove("AnchorLog", anchorSlot(batch));
    const trusting = (AnchorLog: object) => ({
      ...state,
      deployment: { ...deployment, contracts: { ...deployment.contracts, AnchorLog } } as Deployment,
    });
    const kept = deployment.contracts.AnchorLog;
    expect(faultOf(() => verifyAnchor(proof, batch, state))).to.equal("held");
    const other = trusting({ ...kept, runtimeCodeHash: keccak256("0x1234") });
    expect(faultOf(() => verifyAnchor(proof, batch, other))).to.equal("contract code");
    const elsewhere = trusting({ ...kept, address: toBeHex(9, 20) });
    expect(faultOf(() => verifyAnchor(proof, batch, elsewhere))).to.equal("contract code");
    const { runtimeCodeHash: _, ...bare } = kept;
    expect(() => verifyAnchor(proof, batch, trusting(bare)))
      .to.throw(TenonError)
      .with.property("code", "CodeHashMissing");
  });
});

function batchOf(batch: number): AnchorData {
  const hash = (i: number) => toHex(uintBytes(batch * 10 + i, 32));
  const roots = { framesRoot: hash(1), headsRoot: hash(2), rejectsRoot: hash(3) };
  return { stream: 1, batch, first: BigInt(batch), count: 1, minTime: 1n, maxTime: 2n, ...roots };
}

/** A state in which the registry and the log of a deployment hold these words. */
function records(given: {
  deployment: Deployment;
  words: { registry?: Record<Hex, bigint>; log?: Record<Hex, bigint> };
}) {
  const { deployment, words } = given;
  const contract = (name: "DeviceRegistry" | "AnchorLog", slots: Record<Hex, bigint> = {}) => {
    const { address, runtimeCodeHash } = deployment.contracts[name];
    return { address, codeHash: runtimeCodeHash as Hex, slots };
  };
  const { stateRoot, prove } = madeState([
    contract("DeviceRegistry", words.registry),
    contract("AnchorLog", words.log),
    { address: toBeHex(77, 20), codeHash: keccak256("0x") as Hex, slots: {} },
  ]);
  return {
    state: { stateRoot, deployment },
    prove: (name: "DeviceRegistry" | "AnchorLog", slot: Hex) =>
      prove(deployment.contracts[name].address, slot),
  };
}

function flipped(path: Hex[], random: Random): Hex[] {
  const at = random.below(path.length);
  const bytes = fromHex(path[at]!);
  bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
  return path.map((node, i) => (i === at ? toHex(bytes) : node));
}
