import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { Contract, getAddress, id, keccak256, type Signer, type TransactionReceipt } from "ethers";
import type { ArtifactManager } from "hardhat/types/artifacts";
import type { EthereumProvider } from "hardhat/types/providers";
import { type ContractName, contractNames } from "../../sdk/src/deployment.js";
import { holderOf } from "../../sdk/src/devices/registration.js";
import { TenonError } from "../../sdk/src/errors.js";
import { checkChain } from "./chain-check.js";
import type { Members } from "./members.js";
import {
  checkEnrolled,
  checkSealed,
  isTestNetwork,
  planSeal,
  type SealPlan,
  type SealRequest,
} from "./options.js";
import {
  type Addresses,
  addressOf,
  type Built,
  Calls,
  controlGroupHash,
  enrolment,
  hashOf,
  initCode,
  isBuildOf,
  NO_LIMIT,
  opening,
  readBuilt,
  sealing,
  sealRecord,
  wiring,
} from "./plan.js";
import {
  type DeploymentRecord,
  memberRoles,
  type OrganisationRecord,
  otherRecords,
  readRecord,
  recordPath,
  writeRecord,
} from "./record.js";
import { StepSender } from "./sender.js";
import { requireUntouched } from "./touched.js";

const TEST_CHAIN_ID = 31_337;

/** What of a Hardhat network connection a deployment needs. */
export interface Connection {
  ethers: HardhatEthers;
  provider: EthereumProvider;
  networkName: string;
}

export interface DeployOptions {
  artifacts: ArtifactManager;
  /** The fork the contracts are compiled for (`evmVersion` of the compiler settings). */
  evmVersion: string;
  /** Who deploys and loses all powers at the seal; the network's first account if not given. */
  signer?: Signer;
  /** Folder of the record; without it nothing is written and every run is a new deployment. */
  recordFolder?: string;
  members?: Members;
  /** Who gets the three roles at the seal; without it the deployment stays open to the deployer (tests only). */
  seal?: SealRequest;
  log?: (line: string) => void;
}

export interface DeploymentResult {
  record: DeploymentRecord;
  /** Where the record is written, if it is. */
  path: string | undefined;
  /** Transactions sent by this run: 0 when nothing had changed. */
  sent: number;
}

/**
 * Deploys Tenon, or continues a deployment that was interrupted, or finds that there is nothing left to do.
 * Every step is in the record before the next begins. Throws a `TenonError` before anything is sent when the chain,
 * the record, the contracts or the options do not fit together.
 */
export async function deployTenon(connection: Connection, options: DeployOptions): Promise<DeploymentResult> {
  const facts = await checkChain(connection.provider, options.evmVersion);
  requireOwnChainId(connection.networkName, facts.chainId);
  const built = await readBuilt(options.artifacts);
  const signer = options.signer ?? (await connection.ethers.getSigners())[0]!;
  const deployer = await signer.getAddress();
  const folder = options.recordFolder;
  const path = folder === undefined ? undefined : recordPath(folder, facts.chainId, facts.genesisHash);
  const kept = path === undefined ? undefined : readRecord(path, facts.chainId, facts.genesisHash);
  if (path !== undefined && kept === undefined) announceOthers(path, facts.chainId, options);

  const record = kept ?? newRecord(facts, options.evmVersion, deployer);
  const run = new Deployment(connection.ethers, built, signer, record, path, options);
  await run.checkKept(deployer);
  // Before the first transaction, so that a bad request leaves nothing behind.
  const asked = record.sealed === null ? options.seal : undefined;
  const seal = asked && (await planSeal(asked, connection, deployer));
  await run.contracts();
  await run.wire();
  await run.enrol();
  await run.openStreams();
  if (seal !== undefined) await run.seal(seal);
  return { record, path, sent: run.sent };
}

/** What is signed for a test must mean nothing on the consortium's chain, so the two never share an id. */
function requireOwnChainId(networkName: string, chainId: number): void {
  if (isTestNetwork(networkName) || chainId !== TEST_CHAIN_ID) return;
  throw new TenonError("ChainIdOfTests", "The chain has the id that the test chains use", {
    args: { network: networkName, chainId },
    remedy: "Give the network an id of its own in its genesis file; to try things out, use --network local.",
  });
}

function newRecord(
  facts: { chainId: number; genesisHash: DeploymentRecord["genesisHash"] },
  evmVersion: string,
  deployer: string,
): DeploymentRecord {
  return {
    version: 1,
    ...facts,
    evmVersion,
    deployer,
    deployedAtBlock: 0,
    contracts: {},
    organisations: [],
    streams: [],
    steps: {},
    pending: null,
    sealed: null,
  };
}

function announceOthers(path: string, chainId: number, options: DeployOptions): void {
  const others = otherRecords(path, chainId);
  if (others.length === 0) return;
  options.log?.(
    `Another chain with id ${chainId} has a record here (${others.join(", ")}); this one is new.`,
  );
}

/** One run over the plan. */
class Deployment {
  readonly #sender: StepSender;
  readonly #addresses: Addresses;

  constructor(
    private readonly ethers: HardhatEthers,
    private readonly built: Built,
    private readonly signer: Signer,
    private readonly record: DeploymentRecord,
    private readonly path: string | undefined,
    private readonly options: DeployOptions,
  ) {
    this.#sender = new StepSender(signer, ethers.provider, record, () => this.#save());
    this.#addresses = { deployer: record.deployer };
    for (const name of contractNames) {
      const address = record.contracts[name]?.address;
      if (address !== undefined) this.#addresses[name] = address;
    }
  }

  get sent(): number {
    return this.#sender.sent;
  }

  /** Holds what the record says against this build, the chain and the options, before anything is sent. */
  async checkKept(deployer: string): Promise<void> {
    const { record, options } = this;
    for (const name of contractNames) await this.#checkContract(name);
    if (record.sealed !== null) checkSealed(record, options.members, options.seal);
    else if (record.deployer !== deployer) {
      throw new TenonError("DeployerChanged", "Another account began this deployment", {
        args: { began: record.deployer, now: deployer },
        remedy:
          "Continue with the key that began it, or name another folder with --record for a new deployment.",
      });
    } else checkEnrolled(record, options.members);
  }

  async #checkContract(name: ContractName): Promise<void> {
    const kept = this.record.contracts[name];
    if (kept === undefined) return;
    const meant = keccak256(initCode(this.built, name, this.#addresses));
    if (meant !== kept.initCodeHash) {
      throw new TenonError("ContractChanged", `${name} is not the contract that was deployed`, {
        args: { contract: name, address: kept.address, recorded: kept.initCodeHash, built: meant },
        remedy:
          "A contract in use is never replaced. Build the version that was deployed, or deploy anew with another --record folder.",
      });
    }
    const found = hashOf(await this.ethers.provider.getCode(kept.address));
    if (found === kept.runtimeCodeHash) return;
    throw new TenonError("CodeDiffers", `The chain has other code at the address of ${name}`, {
      args: { contract: name, address: kept.address, recorded: kept.runtimeCodeHash, chain: found },
      remedy: "Check that the node is synced and on the right chain, and that nobody edited the record.",
    });
  }

  async contracts(): Promise<void> {
    for (const name of contractNames) {
      if (this.record.contracts[name] !== undefined) continue;
      const code = initCode(this.built, name, this.#addresses);
      const receipt = await this.#sender.run(name, null, () => code);
      await this.#noteContract(name, code, receipt);
    }
  }

  async #noteContract(name: ContractName, code: string, receipt: TransactionReceipt): Promise<void> {
    const address = getAddress(receipt.contractAddress!);
    const runtime = await this.ethers.provider.getCode(address);
    if (!isBuildOf(this.built[name].artifact, runtime)) {
      throw new TenonError("CodeDiffers", `The chain made other code of ${name} than this build`, {
        args: { contract: name, address, chain: hashOf(runtime) },
        remedy: "The chain does not run the rules it claims; do not use it.",
      });
    }
    this.#addresses[name] = address;
    this.record.contracts[name] = {
      address,
      block: receipt.blockNumber,
      transaction: receipt.hash,
      initCodeHash: keccak256(code),
      runtimeCodeHash: keccak256(runtime),
      abiVersion: this.built[name].abiVersion,
    };
    if (this.record.deployedAtBlock === 0) this.record.deployedAtBlock = receipt.blockNumber;
    this.#done(`${name} at ${address}`);
  }

  async wire(): Promise<void> {
    await this.#step("listeners", () => wiring(this.#calls(), this.#addresses));
  }

  async enrol(): Promise<void> {
    for (const organisation of this.options.members?.organisations ?? []) {
      const codeHash = id(organisation.code);
      if (this.record.organisations.some((one) => one.codeHash === codeHash)) continue;
      const orgId = this.record.organisations.length + 1;
      const { timestamp } = (await this.ethers.provider.getBlock("latest"))!;
      await this.#step(
        `organisation ${organisation.name}, ${organisation.code}`,
        () => enrolment(this.#calls(), organisation, orgId, timestamp),
        async () => {
          this.record.organisations.push(await this.#readOrganisation(organisation, orgId, codeHash));
        },
      );
    }
  }

  /** What the chain now says of an organisation that was just admitted. */
  async #readOrganisation(
    organisation: Members["organisations"][number],
    orgId: number,
    codeHash: string,
  ): Promise<OrganisationRecord> {
    const consortium = this.#contract("Consortium");
    const signatories = organisation.signatories.map(async ({ address, roles }) => {
      const terms = roles.map(async ({ role, days }) => {
        const { until, limit } = await consortium.getFunction("termOf")(address, memberRoles.indexOf(role));
        return { role, days, until: Number(until), limit: limit === NO_LIMIT ? null : String(limit) };
      });
      return { address, roles: await Promise.all(terms) };
    });
    const holder = holderOf(orgId);
    return {
      id: orgId,
      name: organisation.name,
      holder,
      codeHash,
      controlGroup: controlGroupHash(organisation),
      signatories: await Promise.all(signatories),
    };
  }

  async openStreams(): Promise<void> {
    const open = new Set(this.record.streams.map((stream) => stream.key));
    const keys = (this.options.members?.streams ?? []).map(({ key }) => key).filter((key) => !open.has(key));
    if (keys.length === 0) return;
    await this.#step(
      `streams of ${keys.join(", ")}`,
      () => opening(this.#calls(), keys),
      async () => {
        const anchorLog = this.#contract("AnchorLog");
        for (const key of keys) {
          this.record.streams.push({ id: Number(await anchorLog.getFunction("streamOf")(key)), key });
        }
      },
    );
  }

  async seal({ holders, delay }: SealPlan): Promise<void> {
    await this.#step(
      "seal",
      async () => {
        await requireUntouched(this.ethers.provider, this.built, this.record);
        return sealing(this.built, this.#addresses, holders, delay);
      },
      async (receipt) => {
        // Once more: between the check and the seal the key could have been used elsewhere.
        await requireUntouched(this.ethers.provider, this.built, this.record, receipt.hash);
        const { timestamp } = (await this.ethers.provider.getBlock(receipt.blockNumber))!;
        const at = { block: receipt.blockNumber, transaction: receipt.hash, timestamp };
        this.record.sealed = sealRecord(holders, delay, at);
      },
    );
  }

  async #step(
    step: string,
    encode: () => string | Promise<string>,
    note: (receipt: TransactionReceipt) => Promise<void> = async () => {},
  ): Promise<void> {
    if (this.record.steps[step] !== undefined) return;
    const manager = addressOf(this.#addresses, "AccessManager");
    const receipt = await this.#sender.run(step, manager, encode);
    await note(receipt);
    this.record.steps[step] = { block: receipt.blockNumber, transaction: receipt.hash };
    this.#done(step);
  }

  #done(what: string): void {
    this.record.pending = null;
    this.#save();
    this.options.log?.(`done: ${what}`);
  }

  #save(): void {
    if (this.path !== undefined) writeRecord(this.path, this.record);
  }

  #calls(): Calls {
    return new Calls(this.built, this.#addresses);
  }

  #contract(name: ContractName): Contract {
    return new Contract(addressOf(this.#addresses, name), this.built[name].interface, this.signer);
  }
}
