import type { DatabaseSync } from "node:sqlite";
import { fromHex, type Hex, toHex } from "@tenon/sdk/bytes";
import { abis } from "@tenon/sdk/generated/abis";
import { Interface, type Log } from "ethers";
import { transaction } from "../state/db.js";
import type { DeviceDirectory, DirectoryEntry } from "../state/types.js";
import { logsInRange } from "./anchor-log.js";
import type { BlockHead, ChainConnection, KnownBlock } from "./connection.js";

/** A device as `/devices/:id` shows it. */
export interface DeviceRow extends DirectoryEntry {
  id: Hex;
  /** Holder of record: an organisation's address. */
  owner: Hex;
  /** Block of the last event about the device. */
  block: number;
}

const abi = new Interface(abis.DeviceRegistry);
const registered = abi.getEvent("DeviceRegistered");
const statusChanged = abi.getEvent("DeviceStatusChanged");

/** What a range of blocks brings; memory follows only when the database has it. */
interface Changes {
  changed: Map<Hex, DeviceRow>;
  /** Number of the newest device. Rows are never removed, so numbers have no holes. */
  last: number;
}

/** By the number of the contract's enum. 0 does not occur in an event's new status. */
const statusNames = [undefined, "active", "suspended", "suspended", "revoked"] as const;

/**
 * The registry as the oracle knows it: read from events, kept in `devices`, answered from memory. Rows and the block
 * they are true at are written in one transaction.
 */
export class RegistryDirectory implements DeviceDirectory {
  readonly #db: DatabaseSync;
  readonly #chain: ChainConnection;
  readonly #devices = new Map<Hex, DeviceRow>();
  #next: number;

  constructor(db: DatabaseSync, chain: ChainConnection) {
    this.#db = db;
    this.#chain = chain;
    const known = knownBlock(db);
    this.#next = known === undefined ? chain.deployment.contracts.DeviceRegistry.block : known.number + 1;
    for (const row of db.prepare("SELECT * FROM devices").all()) {
      const device = deviceOf(row as unknown as StoredDevice);
      this.#devices.set(device.id, device);
    }
  }

  get(id: Hex): DeviceRow | undefined {
    return this.#devices.get(id);
  }

  get size(): number {
    return this.#devices.size;
  }

  /** Reads every event up to `head`. Call it once before frames are taken, then for every new head. */
  async follow(head: BlockHead): Promise<void> {
    if (head.number < this.#next) return;
    const topics = [[registered?.topicHash, statusChanged?.topicHash] as string[]];
    const address = this.#chain.addressOf("DeviceRegistry");
    const logs: Log[] = [];
    for await (const piece of logsInRange(this.#chain.provider, address, topics, this.#next, head.number)) {
      logs.push(...piece);
    }
    const changed = new Map<Hex, DeviceRow>();
    const changes = { changed, last: this.#devices.size };
    for (const log of logs) this.#apply(log, changes);
    transaction(this.#db, () => {
      for (const device of changed.values()) this.#store(device);
      this.#db
        .prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('chain.block', ?), ('chain.hash', ?)")
        .run(head.number, fromHex(head.hash));
    });
    for (const device of changed.values()) this.#devices.set(device.id, device);
    this.#next = head.number + 1;
  }

  #apply(log: Log, changes: Changes): void {
    const { changed } = changes;
    const event = abi.parseLog(log);
    const id = event?.args.device.toLowerCase() as Hex;
    if (event?.name === "DeviceRegistered") {
      const { curve, x, y } = event.args.key;
      const key = { curve: Number(curve) as 1 | 8, x: x.toLowerCase(), y: y.toLowerCase() };
      const owner = event.args.owner.toLowerCase() as Hex;
      const num = ++changes.last;
      changed.set(id, { num, id, key, owner, status: "active", epoch: 1, block: log.blockNumber });
      return;
    }
    const device = changed.get(id) ?? this.#devices.get(id);
    const status = statusNames[Number(event?.args[2])];
    if (device === undefined || status === undefined) return;
    changed.set(id, { ...device, status, block: log.blockNumber });
  }

  #store(device: DeviceRow): void {
    const { num, id, key, owner, status, epoch, block } = device;
    this.#db
      .prepare(
        `INSERT INTO devices (num, id, curve, x, y, owner, status, epoch, block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (num) DO UPDATE SET owner = excluded.owner, status = excluded.status,
           epoch = excluded.epoch, block = excluded.block`,
      )
      .run(num, fromHex(id), key.curve, fromHex(key.x), fromHex(key.y), fromHex(owner), status, epoch, block);
  }
}

/** The last block the oracle read events up to; the chain must still have it. */
export function knownBlock(db: DatabaseSync): KnownBlock | undefined {
  const number = db.prepare("SELECT value FROM meta WHERE key = 'chain.block'").get()?.value;
  const hash = db.prepare("SELECT value FROM meta WHERE key = 'chain.hash'").get()?.value;
  if (number === undefined || hash === undefined) return undefined;
  return { number: Number(number), hash: toHex(hash as Uint8Array) };
}

interface StoredDevice {
  num: number;
  id: Uint8Array;
  curve: 1 | 8;
  x: Uint8Array;
  y: Uint8Array;
  owner: Uint8Array;
  status: DirectoryEntry["status"];
  epoch: number;
  block: number;
}

function deviceOf(row: StoredDevice): DeviceRow {
  return {
    num: row.num,
    id: toHex(row.id),
    key: { curve: row.curve, x: toHex(row.x), y: toHex(row.y) },
    owner: toHex(row.owner),
    status: row.status,
    epoch: row.epoch,
    block: row.block,
  };
}
