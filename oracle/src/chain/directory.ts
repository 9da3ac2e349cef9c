import type { DatabaseSync } from "node:sqlite";
import { fromHex, type Hex, toHex } from "@tenon/sdk/bytes";
import type { DeviceKey } from "@tenon/sdk/frame/index";
import { abis } from "@tenon/sdk/generated/abis";
import { Interface, type Log, type LogDescription, type Result } from "ethers";
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
/** The events that change what the oracle asks of a device. */
const topics = [
  "DeviceRegistered",
  "DeviceStatusChanged",
  "DeviceTransferred",
  "DeviceKeyRotated",
  "DeviceRevoked",
].map((name) => abi.getEvent(name)!.topicHash);

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
  #asOf = 0;

  constructor(db: DatabaseSync, chain: ChainConnection) {
    this.#db = db;
    this.#chain = chain;
    const known = knownBlock(db);
    this.#next = known === undefined ? chain.deployment.contracts.DeviceRegistry.block : known.number + 1;
    const later = db.prepare("SELECT * FROM device_keys WHERE device_num = ? ORDER BY epoch");
    for (const row of db.prepare("SELECT * FROM devices").all()) {
      const device = deviceOf(row as unknown as StoredDevice, later.all(row.num!) as unknown as StoredKey[]);
      this.#devices.set(device.id, device);
    }
  }

  get(id: Hex): DeviceRow | undefined {
    return this.#devices.get(id);
  }

  get asOf(): number {
    return this.#asOf;
  }

  get size(): number {
    return this.#devices.size;
  }

  /** Reads every event up to `head`. Call it once before frames are taken, then for every new head. */
  async follow(head: BlockHead): Promise<void> {
    if (head.number < this.#next) return;
    const address = this.#chain.addressOf("DeviceRegistry");
    const logs: Log[] = [];
    for await (const piece of logsInRange(this.#chain.provider, address, [topics], this.#next, head.number)) {
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
    this.#asOf = head.timestamp * 1000;
  }

  #apply(log: Log, changes: Changes): void {
    const { changed } = changes;
    const event = abi.parseLog(log)!;
    const id = event.args.device.toLowerCase() as Hex;
    const block = log.blockNumber;
    if (event.name === "DeviceRegistered") {
      const [key, owner] = [keyIn(event.args), event.args.owner.toLowerCase() as Hex];
      const num = ++changes.last;
      changed.set(id, { num, id, key, keyEpoch: 1, owner, status: "active", epoch: 1, block });
      return;
    }
    const device = changed.get(id) ?? this.#devices.get(id);
    if (device !== undefined) changed.set(id, { ...device, ...changeOf(event, device), block });
  }

  #store(device: DeviceRow): void {
    const { num, id, key, keyEpoch, formerKeys = [], owner, status, epoch, block } = device;
    const [birth, ...later] = [...formerKeys, { key, epoch: keyEpoch }];
    const { curve, x, y } = birth!.key;
    this.#db
      .prepare(
        `INSERT INTO devices (num, id, curve, x, y, owner, status, epoch, block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (num) DO UPDATE SET owner = excluded.owner, status = excluded.status,
           epoch = excluded.epoch, block = excluded.block`,
      )
      .run(num, fromHex(id), curve, fromHex(x), fromHex(y), fromHex(owner), status, epoch, block);
    const keep = this.#db.prepare("INSERT OR IGNORE INTO device_keys VALUES (?, ?, ?, ?, ?)");
    for (const { key: own, epoch: from } of later) {
      keep.run(num, from, own.curve, fromHex(own.x), fromHex(own.y));
    }
  }
}

/** What an event other than the registration changes of a device. */
function changeOf({ name, args }: LogDescription, device: DeviceRow): Partial<DeviceRow> {
  const epoch = Number(args.epoch ?? device.epoch);
  if (name === "DeviceTransferred") return { owner: args.to.toLowerCase() as Hex, epoch };
  if (name === "DeviceRevoked") return { status: "revoked", epoch };
  if (name === "DeviceKeyRotated") {
    const { key, keyEpoch, formerKeys = [] } = device;
    return {
      key: keyIn(args),
      keyEpoch: epoch,
      formerKeys: [...formerKeys, { key, epoch: keyEpoch }],
      epoch,
    };
  }
  const status = statusNames[Number(args[2])];
  return status === undefined ? {} : { status };
}

function keyIn({ key }: Result): DeviceKey {
  return { curve: Number(key.curve) as 1 | 8, x: key.x.toLowerCase(), y: key.y.toLowerCase() };
}

/** The last block the oracle read events up to; the chain must still have it. */
export function knownBlock(db: DatabaseSync): KnownBlock | undefined {
  const number = db.prepare("SELECT value FROM meta WHERE key = 'chain.block'").get()?.value;
  const hash = db.prepare("SELECT value FROM meta WHERE key = 'chain.hash'").get()?.value;
  if (number === undefined || hash === undefined) return undefined;
  return { number: Number(number), hash: toHex(hash as Uint8Array) };
}

interface StoredKey {
  curve: 1 | 8;
  x: Uint8Array;
  y: Uint8Array;
  epoch: number;
}

interface StoredDevice extends StoredKey {
  num: number;
  id: Uint8Array;
  owner: Uint8Array;
  status: DirectoryEntry["status"];
  block: number;
}

/** @param later The keys it got after its birth key, oldest first. */
function deviceOf(row: StoredDevice, later: StoredKey[]): DeviceRow {
  const keys = [{ ...row, epoch: 1 }, ...later].map(({ curve, x, y, epoch }) => ({
    key: { curve, x: toHex(x), y: toHex(y) },
    epoch,
  }));
  const { key, epoch: keyEpoch } = keys.pop()!;
  return {
    num: row.num,
    id: toHex(row.id),
    key,
    keyEpoch,
    ...(keys.length > 0 && { formerKeys: keys }),
    owner: toHex(row.owner),
    status: row.status,
    epoch: row.epoch,
    block: row.block,
  };
}
