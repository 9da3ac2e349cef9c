import { concat, getBytes, keccak256, TypedDataEncoder, ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Deployment } from "../../sdk/src/deployment.js";
import { type DeviceDocument, encodeDocument } from "../../sdk/src/did/publication.js";
import { holderOf, Role } from "./consortium.js";
import { LATER } from "./devices.js";
import { tenonOn } from "./fixture.js";
import { makeKey, type Signature, type TestKey } from "./keys.js";

interface Call {
  to: string;
  data: string;
}

/** Enough for every change of a device; given, so that ethers sends at once. */
const SENT = { gasLimit: 3_000_000n };

const types = {
  Registration: {
    Registration: fields(
      "uint8 curve,bytes32 x,bytes32 y,address owner,bytes32 parametersHash,bytes32 certificateHash,uint256 deadline",
    ),
  },
  Rotation: {
    Rotation: fields("bytes32 device,uint32 epoch,uint8 curve,bytes32 x,bytes32 y,uint256 deadline"),
  },
};

function fields(list: string) {
  return list.split(",").map((field) => {
    const [type, name] = field.split(" ");
    return { type: type!, name: name! };
  });
}

/**
 * A deployment in which manufacturer and owner each have a device manager, and the life of devices on it: what changes a
 * DID document, one transaction a change.
 */
export async function didWorld() {
  const connection = await network.create();
  const { provider } = connection;
  const tenon = await tenonOn(connection, { sealed: false });
  const { ethers, consortium, registry, record, signers, orgs } = tenon;
  const { timestamp } = (await ethers.provider.getBlock("latest"))!;
  const until = BigInt(timestamp) + 300n * 86_400n;
  for (const { address } of [signers.manufacturer, signers.owner]) {
    await consortium.grantRole(address, Role.DeviceManager, until, 2n ** 128n - 1n);
  }
  const documents = await ethers.getContractAt("DeviceDocuments", record.contracts.DeviceDocuments!.address);
  const domain = {
    name: "Tenon DeviceRegistry",
    version: "1",
    chainId: record.chainId,
    verifyingContract: await registry.getAddress(),
  };
  const manager = (org: bigint) => (org === orgs.owner ? signers.owner : signers.manufacturer);

  const signed = (name: keyof typeof types, key: TestKey, value: object): Signature => {
    const hash = TypedDataEncoder.hashStruct(name, types[name], value);
    const bytes = getBytes(concat(["0x1901", TypedDataEncoder.hashDomain(domain), hash]));
    return key.curve === 1 ? key.signBytes(bytes) : key.signDigest(keccak256(bytes));
  };

  const rotation = (device: string, epoch: number, present: TestKey, fresh: TestKey) => {
    const { curve, x, y } = fresh;
    const value = { device, epoch, curve, x, y, deadline: LATER };
    const proof = (key: TestKey) => ({
      key: { curve: key.curve, x: key.x, y: key.y },
      ...signed("Rotation", key, value),
    });
    return [device, proof(present), proof(fresh), LATER] as const;
  };

  return {
    ...tenon,
    provider,
    documents,
    deployment: record as Deployment,

    /** Registers a device by its own proof; answers its birth key. */
    async born(owner: bigint = orgs.owner, key: TestKey = makeKey(1)): Promise<TestKey> {
      const { curve, x, y } = key;
      const registration = { parametersHash: ZeroHash, certificateHash: ZeroHash, deadline: LATER };
      const proof = signed("Registration", key, { ...registration, curve, x, y, owner: holderOf(owner) });
      const entry = { ...registration, ...proof, owner, key: { curve, x, y } };
      await registry.connect(signers.manufacturer).register(entry, SENT);
      return key;
    },

    /** Publishes as the organisation's device manager. Bytes are published as they are. */
    publish: (device: string, document: DeviceDocument | Uint8Array, by: bigint = orgs.owner) => {
      const bytes = document instanceof Uint8Array ? document : encodeDocument(document);
      return documents.connect(manager(by)).publish(device, bytes, SENT);
    },

    /** Gives a device another key, with the consent of the present one. `epoch` is the one that ends. */
    rotate: (device: string, epoch: number, present: TestKey, fresh: TestKey, by: bigint = orgs.owner) =>
      registry.connect(manager(by)).rotateKey(...rotation(device, epoch, present, fresh), SENT),

    /** The calls of both, for `send`. */
    publication: (device: string, bytes: string): Call => ({
      to: documents.target as string,
      data: documents.interface.encodeFunctionData("publish", [device, bytes]),
    }),
    rotation: (...given: Parameters<typeof rotation>): Call => ({
      to: registry.target as string,
      data: registry.interface.encodeFunctionData("rotateKey", [...rotation(...given)]),
    }),

    /** Sends as the owner's device manager, without waiting for a receipt. */
    send: ({ to, data }: Call) =>
      provider.request({
        method: "eth_sendTransaction",
        params: [{ from: signers.owner.address, to, data, gas: `0x${SENT.gasLimit.toString(16)}` }],
      }),

    /** Offers and accepts: the device changes hands, two transactions. */
    async handOver(device: string, from: bigint, to: bigint) {
      const { timestamp: now } = (await ethers.provider.getBlock("latest"))!;
      await registry.connect(manager(from)).offer(device, to, BigInt(now) + 86_400n, SENT);
      return registry.connect(manager(to)).acceptOffer(device, SENT);
    },

    suspend: (device: string) => registry.connect(signers.owner).suspend(device, SENT),
    resume: (device: string) => registry.connect(signers.owner).resume(device, SENT),
    revoke: (device: string) => registry.connect(signers.owner).revoke(device, SENT),

    /** Runs changes into one block, in the order they are sent. */
    async inOneBlock(changes: () => Promise<void>): Promise<number> {
      await provider.request({ method: "evm_setBlockGasLimit", params: ["0x10000000000"] });
      await provider.request({ method: "evm_setAutomine", params: [false] });
      try {
        await changes();
        await provider.request({ method: "evm_mine", params: [] });
      } finally {
        await provider.request({ method: "evm_setAutomine", params: [true] });
      }
      return ethers.provider.getBlockNumber();
    },

    /** The provider, and what it was asked since `count` was last called. */
    counted() {
      const asked: string[] = [];
      return {
        provider: {
          request: (call: { method: string; params?: unknown }) => {
            asked.push(call.method);
            return provider.request(call as Parameters<typeof provider.request>[0]);
          },
        },
        asked: () => asked.splice(0),
      };
    },
  };
}

export type DidWorld = Awaited<ReturnType<typeof didWorld>>;
