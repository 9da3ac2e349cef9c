import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Signer, ZeroAddress, ZeroHash } from "ethers";
import { artifacts, network } from "hardhat";
import { contractNames } from "../../sdk/src/deployment.js";
import { TenonError } from "../../sdk/src/errors.js";
import { checkChain } from "../../tasks/deploy/chain-check.js";
import { type DeployOptions, deployTenon } from "../../tasks/deploy/deploy.js";
import type { Members } from "../../tasks/deploy/members.js";
import type { DeploymentRecord } from "../../tasks/deploy/record.js";
import { fixtureMembers, SEAL_DELAY } from "../support/fixture.js";

/** The contracts, their wiring, three organisations, the streams, the seal. */
const STEPS = contractNames.length + 6;

type Override = NonNullable<Exclude<Parameters<typeof network.create>[0], string | undefined>["override"]>;

async function freshChain(override: Override = {}) {
  const connection = await network.create({ network: "default", override });
  const [deployer, , , , manufacturer, owner, oracle, authority] = await connection.ethers.getSigners();
  const members = fixtureMembers({
    manufacturer: manufacturer!,
    owner: owner!,
    oracle: oracle!,
    authority: authority!,
  });
  const folder = mkdtempSync(join(tmpdir(), "tenon-deploy-"));
  const options: DeployOptions = {
    artifacts,
    evmVersion: "osaka",
    recordFolder: folder,
    members,
    seal: { delay: SEAL_DELAY },
  };
  const deploy = (change: Partial<DeployOptions> = {}) => deployTenon(connection, { ...options, ...change });
  const nonce = () => connection.ethers.provider.getTransactionCount(deployer!.address);
  return { connection, deployer: deployer!, members, folder, deploy, nonce };
}

/** The code of the refusal; fails when there was none. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(TenonError);
  expect((error as TenonError).remedy, "a refusal says what to do").to.be.a("string");
  return (error as TenonError).code;
}

/** A signer whose process dies at its n-th transaction, just before or just after sending it. */
function dying(signer: Signer, at: number, moment: "before" | "after"): Signer {
  let count = 0;
  return new Proxy(signer, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== "sendTransaction" || typeof value !== "function") {
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (transaction: unknown) => {
        const last = count++ === at;
        if (last && moment === "before") throw new Error("died");
        const sent: unknown = await value.call(target, transaction);
        if (last) throw new Error("died");
        return sent;
      };
    },
  });
}

/** The one record in a folder. */
function recordIn(folder: string): DeploymentRecord {
  return JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")) as DeploymentRecord;
}

/** A role that stays with the deployer when ADMIN goes, and what it may call. */
async function backDoor(
  { ethers }: Awaited<ReturnType<typeof freshChain>>["connection"],
  { contracts }: DeploymentRecord,
  deployer: Signer,
): Promise<void> {
  const manager = (await ethers.getContractAt("AccessManager", contracts.AccessManager!.address)).connect(
    deployer,
  );
  const face = (await ethers.getContractAt("Consortium", contracts.Consortium!.address)).interface;
  await manager.multicall([
    manager.interface.encodeFunctionData("grantRole", [7, await deployer.getAddress(), 0]),
    manager.interface.encodeFunctionData("setTargetFunctionRole", [
      contracts.Consortium!.address,
      [face.getFunction("exit").selector],
      7,
    ]),
  ]);
}

/** What two deployments of the same plan must have in common: everything but times and hashes of time. */
function shape(record: DeploymentRecord) {
  const contracts = Object.entries(record.contracts).map(([name, { address, initCodeHash }]) => [
    name,
    address,
    initCodeHash,
  ]);
  const organisations = record.organisations.map(({ id, holder, signatories }) => ({
    id,
    holder,
    signatories: signatories.map(({ address, roles }) => [address, roles.map(({ role }) => role)]),
  }));
  const { streams, pending, sealed } = record;
  return {
    contracts,
    organisations,
    streams,
    pending,
    steps: Object.keys(record.steps),
    holders: [sealed?.admin, sealed?.registrar, sealed?.guardian],
  };
}

describe("deploy", () => {
  it("deploys, enrols and seals in a transaction for each contract and six more, and writes the record", async () => {
    const { deploy, folder, nonce, connection } = await freshChain();
    const { record, path, sent } = await deploy();
    expect(sent).to.equal(STEPS);
    expect(await nonce()).to.equal(STEPS);
    expect(readdirSync(folder)).to.deep.equal([`31337-${record.genesisHash.slice(2, 10)}.json`]);
    expect(JSON.parse(readFileSync(path!, "utf8"))).to.deep.equal(record);
    expect(record.organisations.map((org) => org.id)).to.deep.equal([1, 2, 3]);
    const { timestamp } = (await connection.ethers.provider.getBlock(record.sealed!.block))!;
    expect(record.sealed!.delaysFrom).to.equal(timestamp + 5 * 86_400);
  });

  it("changes nothing the second time", async () => {
    const { deploy, nonce } = await freshChain();
    const { path } = await deploy();
    const before = readFileSync(path!, "utf8");
    expect((await deploy()).sent).to.equal(0);
    expect((await deploy({ seal: {} })).sent, "what is left out stays as it is").to.equal(0);
    expect(await nonce()).to.equal(STEPS);
    expect(readFileSync(path!, "utf8")).to.equal(before);
  });

  for (const moment of ["before", "after"] as const) {
    it(`continues after dying ${moment} sending, at each of the steps`, async () => {
      const whole = shape((await (await freshChain()).deploy()).record);
      for (let at = 0; at < STEPS; at++) {
        const { deploy, deployer, nonce } = await freshChain();
        await deploy({ signer: dying(deployer, at, moment) }).then(
          () => expect.fail("did not die"),
          (error: Error) => expect(error.message).to.equal("died"),
        );
        const { record, sent } = await deploy();
        expect(sent, `step ${at}`).to.equal(STEPS - at - (moment === "after" ? 1 : 0));
        expect(await nonce(), `step ${at}`).to.equal(STEPS);
        expect(shape(record), `step ${at}`).to.deep.equal(whole);
      }
    });
  }

  it("waits for a transaction that an interrupted run left in the pool", async () => {
    const { deploy, deployer, nonce, connection } = await freshChain({
      mining: { auto: false, interval: 0 },
    });
    await deploy({ signer: dying(deployer, 0, "after") }).catch(() => undefined);
    expect(await nonce()).to.equal(0);
    const mining = setInterval(() => void connection.provider.request({ method: "evm_mine" }), 100);
    try {
      expect((await deploy()).sent).to.equal(STEPS - 1);
    } finally {
      clearInterval(mining);
    }
  });

  it("does not take another transaction with the same nonce for its own", async () => {
    const { deploy, deployer, nonce } = await freshChain();
    await deploy({ signer: dying(deployer, 2, "before") }).catch(() => undefined);
    await deployer.sendTransaction({ to: deployer.address, gasPrice: 0n });
    expect((await deploy()).sent).to.equal(STEPS - 2);
    expect(await nonce()).to.equal(STEPS + 1);
  });
});

describe("deploy refuses, and sends nothing", () => {
  it("a chain with rules older than the bytecode's", async () => {
    for (const hardfork of ["prague", "cancun", "shanghai", "merge"]) {
      const { deploy, nonce, folder } = await freshChain({ hardfork });
      expect(await refusal(deploy()), hardfork).to.equal("ForkTooOld");
      expect(await nonce()).to.equal(0);
      expect(readdirSync(folder)).to.deep.equal([]);
    }
    const { deploy } = await freshChain({ hardfork: "prague" });
    const message = await deploy().catch((error: Error) => error.message);
    expect(message).to.include("The chain runs Prague rules, but the contracts are compiled for Osaka");
    expect(message).to.include("osakaTime: 0");
  });

  it("a chain that charges for gas, or whose blocks are too small", async () => {
    const dear = await freshChain({ initialBaseFeePerGas: 1_000_000_000n });
    expect(await refusal(dear.deploy())).to.equal("BaseFeeNotZero");
    const small = await freshChain({ blockGasLimit: 16_000_000n });
    expect(await refusal(small.deploy())).to.equal("BlockGasTooSmall");
    expect((await dear.nonce()) + (await small.nonce())).to.equal(0);
  });

  it("a fork it has no probe for", async () => {
    const { deploy } = await freshChain();
    expect(await refusal(deploy({ evmVersion: "amsterdam" }))).to.equal("EvmVersionUnknown");
  });

  it("a record of another genesis under this chain's name; a new chain of the same id gets its own", async () => {
    const first = await freshChain();
    const { path } = await first.deploy();
    const second = await freshChain({ initialDate: new Date(1_700_000_000_000) });
    const heard: string[] = [];
    const { record, path: own } = await second.deploy({
      recordFolder: first.folder,
      log: (line) => heard.push(line),
    });
    expect(heard[0]).to.include("Another chain with id 31337");
    expect(own).to.not.equal(path);
    expect(readdirSync(first.folder)).to.have.length(2);

    const third = await freshChain({ initialDate: new Date(1_700_000_000_000) });
    const forged = { ...record, genesisHash: JSON.parse(readFileSync(path!, "utf8")).genesisHash };
    writeFileSync(own!, JSON.stringify(forged));
    expect(await refusal(third.deploy({ recordFolder: first.folder }))).to.equal("RecordForeign");
    writeFileSync(own!, "{");
    expect(await refusal(third.deploy({ recordFolder: first.folder }))).to.equal("RecordUnreadable");
    expect(await third.nonce()).to.equal(0);
  });

  it("a changed contract, other code at a recorded address, another deployer half way", async () => {
    const { deploy, deployer, nonce, connection } = await freshChain();
    await deploy({ signer: dying(deployer, 6, "before") }).catch(() => undefined);
    const [, other] = await connection.ethers.getSigners();
    expect(await refusal(deploy({ signer: other! }))).to.equal("DeployerChanged");

    const { path, record } = await deploy();
    const { AnchorLog } = record.contracts;
    const changed = { ...record.contracts, AnchorLog: { ...AnchorLog, initCodeHash: `0x${"1".repeat(64)}` } };
    writeFileSync(path!, JSON.stringify({ ...record, contracts: changed }));
    expect(await refusal(deploy())).to.equal("ContractChanged");

    writeFileSync(path!, JSON.stringify(record));
    await connection.provider.request({ method: "hardhat_setCode", params: [AnchorLog!.address, "0x00"] });
    expect(await refusal(deploy())).to.equal("CodeDiffers");
    expect(await nonce()).to.equal(STEPS);
  });

  it("holders that are not apart, not named, or no addresses, and a delay out of range", async () => {
    const { deploy, deployer, nonce, connection } = await freshChain();
    const [, admin] = await connection.ethers.getSigners();
    const cases = [
      [{ admin: deployer.address }, "HoldersNotApart"],
      [{ registrar: admin!.address.toLowerCase() }, "HoldersNotApart"],
      [{ guardian: "0x12" }, "HolderInvalid"],
      [{ admin: ZeroAddress }, "HolderInvalid"],
      [{ delay: 0 }, "DelayInvalid"],
      [{ delay: Number.NaN }, "DelayInvalid"],
      [{ delay: 86_400 * 31 }, "DelayInvalid"],
    ] as const;
    for (const [seal, code] of cases) expect(await refusal(deploy({ seal })), code).to.equal(code);
    expect(await nonce()).to.equal(0);
  });

  it("a real network with the test chains' id, or without named holders", async () => {
    for (const [chainId, code] of [
      [31_337, "ChainIdOfTests"],
      [20_260, "HolderMissing"],
    ] as const) {
      const { connection, nonce } = await freshChain({ chainId });
      const { ethers, provider } = connection;
      const real = { ethers, provider, networkName: "besu" };
      expect(await refusal(deployTenon(real, { artifacts, evmVersion: "osaka", seal: {} }))).to.equal(code);
      expect(await nonce()).to.equal(0);
    }
  });

  it("a chain whose precompile does not verify P-256", async () => {
    const { connection } = await freshChain();
    const request: typeof connection.provider.request = async ({ method, params }) => {
      const [call] = (params ?? []) as { to?: string }[];
      if (method === "eth_call" && call?.to?.endsWith("0100")) return "0x";
      return connection.provider.request({ method, ...(params === undefined ? {} : { params }) });
    };
    const without = new Proxy(connection.provider, {
      get: (target, property) => (property === "request" ? request : Reflect.get(target, property, target)),
    });
    expect(await refusal(checkChain(without, "osaka"))).to.equal("PrecompileMissing");
    expect((await checkChain(connection.provider, "osaka")).chainId).to.equal(31_337);
  });

  it("to seal what somebody else with the deployer's key has touched", async () => {
    const { deploy, deployer, nonce, connection, folder } = await freshChain();
    await deploy({ signer: dying(deployer, STEPS - 1, "before") }).catch(() => undefined);
    const record = recordIn(folder);
    await backDoor(connection, record, deployer);
    expect(await refusal(deploy())).to.equal("DeploymentTouched");
    expect(await nonce(), "the back door's transaction, no seal").to.equal(STEPS);
    const [manager, consortium] = await Promise.all([
      connection.ethers.getContractAt("AccessManager", record.contracts.AccessManager!.address),
      connection.ethers.getContractAt("Consortium", record.contracts.Consortium!.address),
    ]);
    expect((await manager.hasRole(0, deployer.address)).isMember, "it is not sealed").to.equal(true);

    const second = await freshChain();
    await second.deploy({ signer: dying(second.deployer, STEPS - 1, "before") }).catch(() => undefined);
    const data = consortium.interface.encodeFunctionData("admit", [`0x${"11".repeat(32)}`, ZeroHash]);
    const again = await second.connection.ethers.getContractAt("AccessManager", await manager.getAddress());
    await again.connect(second.deployer).execute(await consortium.getAddress(), data);
    expect(await refusal(second.deploy()), "an organisation let in by hand").to.equal("DeploymentTouched");
  });

  it("to call sealed what was touched while it was being sealed", async () => {
    const { deploy, deployer, connection, folder } = await freshChain();
    let asked = 0;
    const raced = new Proxy(deployer, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (property !== "getAddress") return typeof value === "function" ? value.bind(target) : value;
        return async () => {
          // Once at the start and once a step, after the step's checks.
          if (asked++ === STEPS) await backDoor(connection, recordIn(folder), deployer);
          return target.getAddress();
        };
      },
    });
    expect(await refusal(deploy({ signer: raced }))).to.equal("DeploymentTouched");
    expect(recordIn(folder).sealed).to.equal(null);
    expect(await refusal(deploy()), "nor by asking again").to.equal("DeploymentTouched");
  });

  it("other signatories or roles of an organisation that it enrolled before, sealed or not", async () => {
    const { deploy, deployer, members, nonce, connection } = await freshChain();
    const stranger = (await connection.ethers.getSigners())[8]!.address;
    const changed = (change: Partial<Members["organisations"][number]>) => ({
      ...members,
      organisations: members.organisations.map((one, i) => (i === 0 ? { ...one, ...change } : one)),
    });
    const [signatory] = members.organisations[0]!.signatories;
    const others = [
      changed({ signatories: [signatory!, { address: stranger, roles: [] }] }),
      changed({
        signatories: [{ ...signatory!, roles: [...signatory!.roles, { role: "Anchor", days: 1 }] }],
      }),
    ];
    await deploy({ signer: dying(deployer, STEPS - 1, "before") }).catch(() => undefined);
    const before = await nonce();
    for (const other of others) expect(await refusal(deploy({ members: other }))).to.equal("MembersDiffer");
    expect(await nonce()).to.equal(before);
    await deploy();
    for (const other of others)
      expect(await refusal(deploy({ members: other }))).to.equal("DeploymentSealed");
    expect(await nonce()).to.equal(STEPS);
  });

  it("changes after the seal, saying who can make them", async () => {
    const { deploy, members, nonce, connection } = await freshChain();
    await deploy();
    const [, , , , , , , , stranger] = await connection.ethers.getSigners();
    const newcomer = { name: "Late", code: "91110000MA01B2C3D4", signatories: [] };
    const more = { ...members, organisations: [...members.organisations, newcomer] };
    expect(await refusal(deploy({ members: more }))).to.equal("DeploymentSealed");
    const stream = { ...members, streams: [...members.streams, { key: stranger!.address }] };
    expect(await refusal(deploy({ members: stream }))).to.equal("DeploymentSealed");
    expect(await refusal(deploy({ seal: { admin: stranger!.address } }))).to.equal("DeploymentSealed");
    expect(await refusal(deploy({ seal: { delay: 5 } }))).to.equal("DeploymentSealed");
    expect(await nonce()).to.equal(STEPS);
  });
});
