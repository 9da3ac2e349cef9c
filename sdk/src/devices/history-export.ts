import type { Log } from "ethers";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { headerRlp } from "../proof/block.js";
import type { RpcBlock } from "../proof/header.js";
import { epochSlots } from "../proof/records.js";
import { proveSlots } from "../proof/state.js";
import { type RpcSource, rpc, rpcSource } from "../rpc.js";
import { checkedId, knownDevice, type Registry } from "./context.js";
import { walkBack } from "./history.js";
import {
  HISTORY_FORMAT,
  type HistoryEntry,
  type HistoryState,
  type HistoryVoucher,
  historyEntryHash,
  historyHeading,
  verifyHistory,
} from "./history-voucher.js";
import type { Device } from "./model.js";

/**
 * A device's history as a file. What is returned has been verified.
 * @throws TenonError `DeviceUnknown`, `HistoryBroken`.
 */
export async function exportHistory(registry: Registry, id: Hex): Promise<HistoryVoucher> {
  const { deployment, address, connection } = registry;
  const device = await knownDevice(registry, checkedId(id));
  const logs: Log[] = [];
  for await (const { log } of walkBack(registry, device)) logs.unshift(log);
  const heading = {
    chainId: String(deployment.chainId),
    genesisHash: deployment.genesisHash,
    registry: address.toLowerCase() as Hex,
    device: device.id,
  };
  let previous = historyHeading(heading);
  const entries = logs.map(({ blockNumber, index, topics, data }): HistoryEntry => {
    const entry = {
      previous,
      block: blockNumber,
      logIndex: index,
      topics: topics as Hex[],
      data: data as Hex,
    };
    previous = historyEntryHash(entry);
    return entry;
  });
  const proven = await stateOf(registry, rpcSource(connection.provider), device);
  const voucher = { format: HISTORY_FORMAT, ...heading, entries, head: previous } as const;
  if (proven === undefined) {
    verifyHistory(voucher, { deployment, trustedHead: voucher.head });
    return voucher;
  }
  const whole = { ...voucher, state: proven.state };
  verifyHistory(whole, { deployment, trustedBlockHash: proven.hash });
  return whole;
}

/** The state after the newest block; undefined where the node proves none. Throws `HistoryMoved`. */
async function stateOf(
  registry: Registry,
  source: RpcSource,
  device: Device,
): Promise<{ state: HistoryState; hash: Hex } | undefined> {
  const { address, contract } = registry;
  const block = (await rpc(source, "eth_getBlockByNumber", ["latest", false])) as RpcBlock;
  const number = BigInt(block.number as string);
  const blockTag = Number(number);
  const epochs = Array.from({ length: device.epoch }, (_, i) => i + 1);
  const slots = epochs.map((epoch) => epochSlots(device.id, epoch, device.epoch));
  const present = await contract.record(device.id, { blockTag });
  if (Number(present.epoch) !== device.epoch) {
    throw new TenonError("HistoryMoved", "The device changed hands or keys while its history was read", {
      args: { device: device.id, epoch: device.epoch, now: Number(present.epoch) },
      remedy: "Export it again.",
    });
  }
  const records = await Promise.all(
    epochs.map((epoch) => contract.recordOfEpoch(device.id, epoch, { blockTag })),
  );
  const rotated = slots.filter((_, i) => records[i]!.rotated);
  const wanted = [...slots.map(({ word }) => word), ...rotated.map(({ keyId }) => keyId)];
  try {
    const { accountPath, slotPaths } = await proveSlots(source, address, wanted, number);
    const words = slotPaths.slice(0, slots.length);
    const keyIds = slotPaths.slice(slots.length);
    return { state: { header: headerRlp(block), accountPath, words, keyIds }, hash: block.hash as Hex };
  } catch (error) {
    if (error instanceof TenonError && error.code === "StateUnavailable") return undefined;
    throw error;
  }
}
