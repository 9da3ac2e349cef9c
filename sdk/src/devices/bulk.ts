import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { deviceIdOf } from "../frame/key.js";
import { operation } from "../operation.js";
import { ContractError } from "../revert.js";
import { type Registry, readDevice } from "./context.js";
import { enrolOne, registrationTuple } from "./enrol.js";
import { registryAbi } from "./events.js";
import type { Application } from "./model.js";

/** Where an enrolment stands, told after every transaction. */
export interface BulkProgress {
  /** Entered by this run. */
  readonly enrolled: number;
  /** Found in the registry: from an earlier run, or from elsewhere. */
  readonly already: number;
  readonly refused: number;
  readonly transactions: number;
}

export interface RefusedApplication {
  readonly id: Hex;
  readonly error: TenonError;
}

export interface BulkReport extends Omit<BulkProgress, "refused"> {
  /** Set aside with the contract's reason, while the others went on. */
  readonly refused: readonly RefusedApplication[];
}

export interface BulkOptions {
  readonly onProgress?: (progress: BulkProgress) => void;
  /** Most devices in one transaction. Default: as many as fit under its gas limit. */
  readonly most?: number;
}

/**
 * Many devices, in as few transactions as their gas allows. Run it again after a break, with the same applications: what is
 * in the registry is left alone, so nothing is sent twice.
 */
export interface BulkEnrolment {
  /**
   * Sends, waits, and reports. One device's bad proof stops only that device.
   * @throws ContractError of what stops all of them, such as a quota that is used up; whatever was mined stays.
   */
  wait(options?: BulkOptions): Promise<BulkReport>;
}

/** The most gas one transaction may use (EIP-7825), and how much of it a batch may be estimated at. */
const GAS_ROOM = (2n ** 24n * 97n) / 100n;

/** A device with its proof takes some 37,500 gas in a batch. */
const FIRST_SIZE = 420;

/** Transactions of their own that are under way at once. */
const AT_ONCE = 32;

export function enrolMany(
  registry: Registry,
  applications: Iterable<Application> | AsyncIterable<Application>,
): BulkEnrolment {
  return { wait: (options = {}) => new Bulk(registry, options).run(applications) };
}

class Bulk {
  readonly #registry: Registry;
  readonly #options: BulkOptions;
  #size: number;
  #enrolled = 0;
  #already = 0;
  #transactions = 0;
  readonly #refused: RefusedApplication[] = [];

  constructor(registry: Registry, options: BulkOptions) {
    this.#registry = registry;
    this.#options = options;
    this.#size = options.most ?? FIRST_SIZE;
  }

  async run(applications: Iterable<Application> | AsyncIterable<Application>): Promise<BulkReport> {
    const batch: Application[] = [];
    const single: Application[] = [];
    for await (const application of applications) {
      const alone = application.activation !== undefined || application.voucher !== undefined;
      (alone ? single : batch).push(application);
      if (batch.length >= this.#size) await this.#sendBatch(batch.splice(0));
      if (single.length >= AT_ONCE) await this.#sendSingle(single.splice(0));
    }
    await this.#sendBatch(batch);
    await this.#sendSingle(single);
    const [enrolled, already, transactions] = [this.#enrolled, this.#already, this.#transactions];
    return { enrolled, already, transactions, refused: this.#refused };
  }

  /** All of them in one transaction, or in several when their gas is too much; bad ones are taken out. */
  async #sendBatch(given: Application[]): Promise<void> {
    let left = await this.#missing(given);
    while (left.length > 0) {
      const batch = left.slice(0, this.#size);
      const outcome = await this.#tryBatch(batch);
      if (outcome === "sent") left = left.slice(batch.length);
      else if (outcome === "smaller") this.#size = Math.max(1, Math.floor(batch.length / 2));
      else left = left.filter((application) => idOf(application) !== outcome);
    }
  }

  /** `smaller` when it does not fit; the id of a device that the contract refuses. */
  async #tryBatch(batch: Application[]): Promise<"sent" | "smaller" | Hex> {
    const { connection, address } = this.#registry;
    const tuples = batch.map((application) => registrationTuple(this.#registry, application));
    const data = registryAbi.encodeFunctionData("registerBatch", [tuples]);
    const call = operation(connection, { to: address, data }, () => undefined);
    try {
      if ((await call.estimateGas()) > GAS_ROOM && batch.length > 1) return "smaller";
      await call.wait();
    } catch (error) {
      const id = refusedDevice(error, batch);
      if (id !== undefined) {
        this.#setAside(id, error as TenonError);
        return id;
      }
      // A node says in many words that a transaction is above its limit; never by an error of the contract.
      if (error instanceof TenonError || batch.length === 1) throw error;
      return "smaller";
    }
    this.#count(batch.length);
    return "sent";
  }

  async #sendSingle(given: Application[]): Promise<void> {
    const left = await this.#missing(given);
    const results = await Promise.allSettled(
      left.map(async (application) => enrolOne(this.#registry, application).wait()),
    );
    const stopped: unknown[] = [];
    results.forEach((result, i) => {
      const application = left[i]!;
      if (result.status === "fulfilled") this.#count(1);
      else if (isOwnFault(result.reason, idOf(application))) this.#setAside(idOf(application), result.reason);
      else stopped.push(result.reason);
    });
    if (stopped.length > 0) throw stopped[0];
  }

  async #missing(given: Application[]): Promise<Application[]> {
    const records = await Promise.all(given.map((one) => readDevice(this.#registry, idOf(one))));
    const missing = given.filter((_, i) => records[i] === undefined);
    this.#already += given.length - missing.length;
    return missing;
  }

  #setAside(id: Hex, error: TenonError): void {
    if (error.code === "DeviceAlreadyRegistered") this.#already += 1;
    else this.#refused.push({ id, error });
  }

  #count(enrolled: number): void {
    this.#enrolled += enrolled;
    this.#transactions += 1;
    this.#options.onProgress?.({
      enrolled: this.#enrolled,
      already: this.#already,
      refused: this.#refused.length,
      transactions: this.#transactions,
    });
  }
}

/** The device of a batch that the contract's reason names: by id, or by its key. */
function refusedDevice(error: unknown, batch: Application[]): Hex | undefined {
  if (!(error instanceof ContractError)) return undefined;
  const { device, keyId, x } = error.args;
  const named = batch.find(
    (application) => idOf(application) === (device ?? keyId) || application.key.x === x,
  );
  return named && idOf(named);
}

/** Refusals that say something of one device, or of the file that came with it. */
function isOwnFault(error: unknown, id: Hex): boolean {
  if (!(error instanceof TenonError)) return false;
  const { device, keyId } = error.args;
  return device === id || keyId === id || ownFaults.has(error.code);
}

const ownFaults = new Set([
  "ActivationInvalid",
  "ApplicationMismatch",
  "DeviceCurveUnsupported",
  "DeviceKeyInvalid",
  "FactoryListProofInvalid",
  "ParametersMismatch",
  "VoucherExpired",
  "VoucherSignatureInvalid",
]);

function idOf({ key }: Application): Hex {
  return deviceIdOf(key);
}
