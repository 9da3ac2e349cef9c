import { keccak256 } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { loadDeployment } from "../../../sdk/src/deployment.js";
import { parsed, writeNew } from "../../../sdk/src/devices/files.js";
import { verifyHistory } from "../../../sdk/src/devices/history-voucher.js";
import type { EpochEvent } from "../../../sdk/src/devices/model.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { DEFAULT_RECORDS } from "../../deploy/record.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";

interface HistoryArguments {
  id: string;
  voucher: string | undefined;
  check: string | undefined;
  trustedBlockHash: string | undefined;
  trustedHead: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: HistoryArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    if (args.check !== undefined) return check(args, args.check);
    await withTenon(hre, args.record, async ({ devices }) => {
      const events = await devices.history(args.id as Hex);
      if (events.length === 0) {
        throw new TenonError("DeviceUnknown", "No device of this id is registered", {
          args: { device: args.id },
          remedy: "Check the id: 0x and 64 hex digits.",
        });
      }
      if (args.voucher === undefined) return show(events, args.json);
      const voucher = await devices.exportHistory(args.id as Hex);
      writeNew(args.voucher, `${JSON.stringify(voucher, null, 2)}\n`);
      const block =
        voucher.state === undefined ? "none: the node proves no state" : keccak256(voucher.state.header);
      const made = { file: args.voucher, entries: voucher.entries.length, head: voucher.head, block };
      if (args.json) console.log(toJson(made));
      else {
        console.log(`${made.file}: ${made.entries} entries, head ${made.head}`);
        console.log(
          `Check it anywhere: npx hardhat device history --check ${made.file} --trusted-block-hash ${block}`,
        );
      }
    });
  });

/** Needs no node: only the record says which registry is the real one. */
async function check(args: HistoryArguments, file: string): Promise<void> {
  const { trustedBlockHash, trustedHead } = args;
  const { events, steps } = verifyHistory(parsed(file), {
    deployment: loadDeployment(args.record ?? DEFAULT_RECORDS),
    ...(trustedBlockHash === undefined ? {} : { trustedBlockHash: trustedBlockHash as Hex }),
    ...(trustedHead === undefined ? {} : { trustedHead: trustedHead as Hex }),
  });
  if (args.json) console.log(toJson({ steps, events }));
  else {
    show(events, false);
    for (const { name, detail } of steps) console.log(`✓ ${name.padEnd(16)} ${detail}`);
  }
}

function show(events: readonly EpochEvent[], json: boolean): void {
  if (json) console.log(toJson(events));
  else
    for (const event of events) console.log(`epoch ${event.epoch}, block ${event.at.block}: ${told(event)}`);
}

/** An event in words. */
export function told(event: EpochEvent): string {
  switch (event.kind) {
    case "registered":
      return `registered to ${event.owner} by organisation ${event.manufacturer}`;
    case "transferred":
      return `${event.cause.toLowerCase()}: from ${event.from} to ${event.to}`;
    case "rotated":
      return `new key ${event.keyId}`;
    case "revoked":
      return "revoked";
  }
}
