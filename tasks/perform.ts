import { writeFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { createTenon, type Tenon } from "../sdk/src/client.js";
import type { OfficeOperation, Proceeded } from "../sdk/src/consortium/offices.js";
import { TenonError } from "../sdk/src/errors.js";
import type { Operation } from "../sdk/src/operation.js";
import { type ReadCall, readCall } from "../sdk/src/words.js";
import { answering } from "./run.js";
import { signerFor } from "./signer.js";
import { print, withTenon } from "./tenon.js";

/** What every task that acts on organisations is given. */
export interface WriteArguments {
  from: string | undefined;
  record: string | undefined;
  /** File for the signed act, which is then not sent. */
  sign: string | undefined;
  json: boolean;
}

/** How long a signed act counts, seconds. */
const ACT_SECONDS = 86_400;

/** Connects as `--from`, for the time of `work`. */
export function withTenonAs(
  hre: HardhatRuntimeEnvironment,
  { from, record }: Pick<WriteArguments, "from" | "record">,
  work: (tenon: Tenon, account: string) => Promise<void>,
): Promise<void> {
  return answering(() =>
    withTenon(hre, record, async ({ deployment }, { ethers }) => {
      const signer = await signerFor(ethers, from);
      await work(await createTenon({ signer, deployment }), signer.address);
    }),
  );
}

/**
 * Makes an operation, does what is due of it (an act of an office may have to be announced first), and prints the
 * outcome; with `--sign` it is signed into a file instead.
 * @param same Tells an announced act that is the same in other numbers, as a grant for so many days from now is: it
 * is gone on with.
 */
export async function perform<T>(
  hre: HardhatRuntimeEnvironment,
  args: WriteArguments,
  make: (tenon: Tenon) => Operation<T> | Promise<Operation<T>>,
  show: (result: T) => object,
  same?: (call: ReadCall) => boolean,
): Promise<void> {
  await withTenonAs(hre, args, async (tenon, account) => {
    const operation = await make(tenon);
    if (args.sign !== undefined) {
      const deadline = Math.floor(Date.now() / 1_000) + ACT_SECONDS;
      writeFileSync(args.sign, `${JSON.stringify(await operation.sign({ deadline }), null, 2)}\n`);
      print({ signed: args.sign, by: account, next: `npx hardhat act relay ${args.sign}` }, args.json);
      return;
    }
    if (!isOffice(operation)) {
      print(show(await operation.wait()), args.json);
      return;
    }
    const announced = same && (await announcedAs(tenon, account, operation.to, same));
    const due: Proceeded<unknown> = await (announced ? tenon.admin.carryOut(announced) : operation).proceed();
    if (!due.done) print(waiting(due.readyAt), args.json);
    else print(announced ? { done: readCall(announced.data).method } : show(due.result as T), args.json);
  });
}

/** What is printed of an act that was announced and has to wait. */
export function waiting(readyAt: number): { announced: true; dueAt: string; next: string } {
  const dueAt = new Date(readyAt * 1_000).toISOString();
  return { announced: true, dueAt, next: "run this again then, or npx hardhat admin execute" };
}

async function announcedAs(tenon: Tenon, account: string, to: string, same: (call: ReadCall) => boolean) {
  const all = await tenon.admin.announced(account);
  return all.find((act) => act.to.toLowerCase() === to.toLowerCase() && same(readCall(act.data)));
}

function isOffice<T>(operation: Operation<T>): operation is OfficeOperation<T> {
  return "proceed" in operation;
}

/** A day in UTC (2027-01-31, its first second) or a number of days from now, as seconds. Throws `OptionInvalid`. */
export function momentOf(until: string | undefined, days: string | undefined, now: number): number {
  if (until !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(until) && !Number.isNaN(Date.parse(until))) {
    return Date.parse(until) / 1_000;
  }
  if (until === undefined && days !== undefined && /^[1-9]\d{0,3}$/.test(days))
    return now + Number(days) * 86_400;
  throw new TenonError("OptionInvalid", "It must be said until when", {
    args: { until, days },
    remedy: "Give --until as YYYY-MM-DD (UTC), or --days as a whole number.",
  });
}

/** A positional number. Throws `OptionInvalid`. */
export function organisationOf(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new TenonError("OptionInvalid", "Organisations are numbered from 1", {
    args: { given: text },
    remedy: "npx hardhat org show lists them.",
  });
}

/** Rows under a heading, in columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export const day = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);
