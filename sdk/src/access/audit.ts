import { keccak256, type Log } from "ethers";
import { fromHex, type Hex, toHex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { IAccessAudit__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { batchOf, type JournalBatch } from "./journal.js";
import { namesOf, permissionsOf } from "./pass.js";
import { type AccessReason, accessReasons, reasonNumber } from "./reasons.js";

/** An access that was decided off chain, as the device's owner writes it down on chain. */
export interface OffChainAccess {
  /** Account whose key was proven; zero for a key that has none (P-256). */
  readonly requester: string;
  readonly permissions: readonly string[];
  /** Seconds since 1970, by the clock of who decided. */
  readonly time: number;
  readonly outcome: AccessReason;
}

export interface RecordedAccess extends OffChainAccess {
  readonly device: Hex;
  readonly at: LogPosition;
}

export interface RecordedBatch {
  readonly device: Hex;
  /** Number of the organisation whose word this is. */
  readonly organisation: number;
  readonly by: string;
  readonly count: number;
  readonly detailsRoot: Hex;
  readonly at: LogPosition;
}

/** A run of a journal whose head and root stand on chain. */
export interface AnchoredRun extends JournalBatch {
  readonly organisation: number;
  readonly chain: Hex;
  readonly at: LogPosition;
}

/** A regulator said what it opened. */
export interface LoggedReading {
  readonly organisation: number;
  /** 0: general supervision. */
  readonly order: number;
  readonly subject: Hex;
  readonly contentHash: Hex;
  readonly by: string;
  readonly at: LogPosition;
}

/** What was accessed where no transaction was made for each, and what regulators read. Writes are lazy. */
export interface AccessAudit {
  /** Writes accesses down, each as an event. Sender: a signatory of the device's owner. */
  record(device: Hex, entries: readonly OffChainAccess[], detailsRoot?: Hex): Operation<RecordedBatch>;
  /** Anchors a run of a journal. Sender: a signatory of the organisation that keeps it. */
  anchor(chain: Hex, run: JournalBatch): Operation<AnchoredRun>;
  /** Number of the first entry of a journal that is not anchored. */
  nextEntry(organisation: number, chain: Hex): Promise<number>;
  /** Every anchored run of a journal, in order. */
  runs(organisation: number, chain: Hex): Promise<AnchoredRun[]>;
  /**
   * Holds a journal's entries (`readJournal`) against everything anchored of it.
   * @returns How many of the entries are anchored. @throws TenonError `AccessJournalForeign` with the first run that differs.
   */
  verify(organisation: number, chain: Hex, entries: readonly Uint8Array[]): Promise<number>;
  /** Accesses to a device that were recorded one by one. */
  recorded(device: Hex, toBlock?: number): Promise<RecordedAccess[]>;
  /** Says that a regulator opened something. Sender: a regulator. */
  logReading(reading: { subject: Hex; contentHash: Hex; order?: number }): Operation<LoggedReading>;
  /** What regulators said they read about a subject, a device for instance. */
  readings(subject: Hex): Promise<LoggedReading[]>;
}

const abi = IAccessAudit__factory.createInterface();
const NONE = toHex(new Uint8Array(32));

/** Name of a gateway's journal on chain; a device's journal has the device's id. */
export function journalName(name: string): Hex {
  return keccak256(Buffer.from(name, "utf8")) as Hex;
}

export function accessAuditOf(connection: Connection, deployment: Deployment): AccessAudit {
  const { provider } = connection;
  const address = addressOf(deployment, "AccessAudit");
  const contract = IAccessAudit__factory.connect(address, provider);
  const write = <T>(data: string, decode: (logs: Log[]) => T) =>
    operation(connection, { to: address, data }, decode);
  const fromBlock = deployment.contracts.AccessAudit.block;
  const find = (event: string, args: unknown[], toBlock?: number) =>
    findEvents(provider, {
      address,
      abi,
      event,
      args,
      fromBlock,
      ...(toBlock === undefined ? {} : { toBlock }),
    });
  const runs = async (organisation: number, chain: Hex) =>
    (await find("ChainAnchored", [organisation, chain])).map(anchoredRun);

  return {
    record: (device, entries, detailsRoot = NONE) => {
      const rows = entries.map(({ requester, permissions, time, outcome }) => ({
        requester,
        permissions: permissionsOf(permissions),
        time,
        outcome: reasonNumber(outcome),
      }));
      return write(abi.encodeFunctionData("record", [device, rows, detailsRoot]), (logs) =>
        recordedBatch(eventIn(logs, abi, "BatchRecorded")),
      );
    },
    anchor: (chain, { from, to, head, root }) =>
      write(abi.encodeFunctionData("anchorChain", [chain, from, to, head, root]), (logs) =>
        anchoredRun(eventIn(logs, abi, "ChainAnchored")),
      ),
    nextEntry: async (organisation, chain) => Number((await contract.chainOf(organisation, chain)).next),
    runs,
    verify: async (organisation, chain, entries) => verified(await runs(organisation, chain), entries),
    recorded: async (device, toBlock) =>
      (await find("AccessRecorded", [device], toBlock)).map(recordedAccess),
    logReading: ({ subject, contentHash, order = 0 }) =>
      write(
        abi.encodeFunctionData("logReading", [order, fromHex(subject, 32), fromHex(contentHash, 32)]),
        (logs) => loggedReading(eventIn(logs, abi, "ReadingLogged")),
      ),
    readings: async (subject) => (await find("ReadingLogged", [null, null, subject])).map(loggedReading),
  };
}

function verified(runs: readonly AnchoredRun[], entries: readonly Uint8Array[]): number {
  let head = NONE;
  for (const { from, to, head: anchored, root, at } of runs) {
    const present = entries.slice(from, to + 1);
    const same = present.length === to - from + 1 ? batchOf(present, from, head) : undefined;
    if (same?.head !== anchored || same.root !== root) {
      throw new TenonError("AccessJournalForeign", "The journal is not the one that was anchored", {
        args: { from, to, transaction: at.transaction, entries: entries.length, anchored, found: same?.head },
        remedy:
          "Entries were changed or taken away after they were anchored. Ask for the file as it was then.",
      });
    }
    head = anchored;
  }
  return (runs.at(-1)?.to ?? -1) + 1;
}

function recordedBatch({ event: { args }, at }: FoundEvent): RecordedBatch {
  const { device, org, by, count, detailsRoot } = args;
  return { device, organisation: Number(org), by, count: Number(count), detailsRoot, at };
}

function recordedAccess({ event: { args }, at }: FoundEvent): RecordedAccess {
  const { device, requester, permissions, time } = args;
  const outcome = accessReasons[Number(args.outcome)] as AccessReason;
  return { device, requester, permissions: namesOf(permissions), time: Number(time), outcome, at };
}

function anchoredRun({ event: { args }, at }: FoundEvent): AnchoredRun {
  const { org, chain, from, to, head, root } = args;
  return { organisation: Number(org), chain, from: Number(from), to: Number(to), head, root, at };
}

function loggedReading({ event: { args }, at }: FoundEvent): LoggedReading {
  const { org, order, subject, contentHash, by } = args;
  return { organisation: Number(org), order: Number(order), subject, contentHash, by, at };
}
