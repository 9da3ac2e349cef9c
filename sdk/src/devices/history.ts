import type { Log } from "ethers";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, deviceIdOf } from "../frame/key.js";
import { type FoundEvent, positionOf, sameAddress } from "../logs.js";
import { checkedId, knownDevice, type Registry, readDevice } from "./context.js";
import { epochEvent, registryAbi } from "./events.js";
import type { Device, EpochEvent } from "./model.js";

/** An event that began an epoch, as it was decoded and as it stands in the log. */
export interface FoundEpochEvent {
  readonly decoded: EpochEvent;
  readonly log: Log;
}

const beginnings = ["DeviceRegistered", "DeviceTransferred", "DeviceKeyRotated", "DeviceRevoked"].map(
  (name) => registryAbi.getEvent(name)!.topicHash,
);

/**
 * Walks back from the last epoch to the first, newest event first: the record names the block of the present epoch, and
 * each event the block of the epoch before. One `eth_getLogs` of one block for each.
 * @throws TenonError `HistoryBroken` when a node does not have the events of a block that an event names.
 */
export async function* walkBack(registry: Registry, device: Device): AsyncGenerator<FoundEpochEvent> {
  let [block, epoch] = [device.block, device.epoch];
  for (;;) {
    const found = await beginningsIn(registry, device.id, block);
    const here = found.filter(({ decoded }) => decoded.epoch <= epoch);
    const first = here[0]?.decoded;
    if (first === undefined || here.at(-1)!.decoded.epoch !== epoch) throw broken(device.id, epoch, block);
    yield* here.reverse();
    if (first.kind === "registered") return;
    if (first.previousBlock > block) throw broken(device.id, first.epoch - 1, first.previousBlock);
    [block, epoch] = [first.previousBlock, first.epoch - 1];
  }
}

/** Everything that began an epoch of a device, oldest first; empty for an unknown one. */
export async function history(registry: Registry, id: Hex): Promise<FoundEpochEvent[]> {
  const device = await readDevice(registry, id);
  if (device === undefined) return [];
  const events: FoundEpochEvent[] = [];
  for await (const event of walkBack(registry, device)) events.push(event);
  return events.reverse();
}

/**
 * The key in force in an epoch, by default the present one. A birth key stands in the block of the registration, which
 * the registry names; a later one is found by walking back to where it came in.
 */
export async function keyInForce(registry: Registry, id: Hex, epoch?: number): Promise<DeviceKey> {
  const device =
    epoch === undefined ? await knownDevice(registry, id) : await readDevice(registry, id, epoch);
  if (device === undefined) return (await knownDevice(registry, id)) as never; // throws DeviceUnknown
  const keyId = (await registry.contract.keyIdAt(device.id, device.epoch)) as Hex;
  const from = device.rotated ? device : await readDevice(registry, id, 1);
  for await (const { decoded } of walkBack(registry, from ?? device)) {
    const key = "key" in decoded ? decoded.key : undefined;
    if (key !== undefined && deviceIdOf(key) === keyId.toLowerCase()) return key;
  }
  throw broken(device.id, device.epoch, device.block);
}

async function beginningsIn(
  { connection, address }: Registry,
  id: Hex,
  block: number,
): Promise<FoundEpochEvent[]> {
  const filter = { address, topics: [beginnings, checkedId(id)], fromBlock: block, toBlock: block };
  const logs = await connection.provider.getLogs(filter);
  return logs.flatMap((log) => {
    const event = sameAddress(log.address, address) ? registryAbi.parseLog(log) : null;
    const found: FoundEvent | undefined = event === null ? undefined : { event, at: positionOf(log) };
    const decoded = found && epochEvent(found);
    return decoded === undefined ? [] : [{ decoded, log }];
  });
}

function broken(device: Hex, epoch: number, block: number): TenonError {
  return new TenonError("HistoryBroken", "The node does not have the event with which an epoch began", {
    args: { device, epoch, block },
    remedy: "Ask a node that keeps all logs and is on the record's chain.",
  });
}
