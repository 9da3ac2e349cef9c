import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { TenonError } from "../../../sdk/src/errors.js";
import type { Telemetry } from "../../../sdk/src/telemetry.js";
import { answering } from "../../run.js";
import { print, toJson, withTenon } from "../../tenon.js";

interface ShowArguments {
  stream: number;
  batch: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: ShowArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ telemetry }) => {
      if (args.batch === undefined) await showHead(telemetry, args);
      else await showBatch(telemetry, args, batchNumber(args.batch));
    }),
  );

async function showHead(telemetry: Telemetry, { stream, json }: ShowArguments): Promise<void> {
  const head = await telemetry.head(stream);
  if (json) {
    console.log(toJson({ stream, ...head }));
    return;
  }
  const until = head.until === 0 ? "no role" : time(head.until);
  print(
    {
      stream,
      key: head.key,
      "role until": until,
      "batches anchored": head.next,
      "frames anchored": head.size,
    },
    false,
  );
}

async function showBatch(
  telemetry: Telemetry,
  { stream, json }: ShowArguments,
  number: number,
): Promise<void> {
  const { at, ...batch } = await telemetry.batch(stream, number);
  if (json) {
    console.log(toJson({ ...batch, at }));
    return;
  }
  const window = { minTime: time(Number(batch.minTime)), maxTime: time(Number(batch.maxTime)) };
  print(
    { ...batch, ...window, block: at.block, blockHash: at.blockHash, transaction: at.transaction },
    false,
  );
}

function batchNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new TenonError("BatchInvalid", "A batch is named by its number", {
    args: { batch: text },
    remedy: "Give --batch 0 or more.",
  });
}

function time(seconds: number): string {
  return new Date(1000 * seconds).toISOString();
}
