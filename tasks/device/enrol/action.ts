import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { readFactoryList, writeActivations, writeFactoryList } from "../../../sdk/src/devices/files.js";
import { applicationFrom } from "../../../sdk/src/devices/forms.js";
import type { ListedDevice, ListTree } from "../../../sdk/src/devices/list.js";
import type { Application } from "../../../sdk/src/devices/model.js";
import { readDevices } from "../../../sdk/src/devices/rows.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type Acting, type ActingArguments, acting } from "../acting.js";
import { required } from "../options.js";

interface EnrolArguments extends ActingArguments {
  list: string | undefined;
  batch: string | undefined;
  out: string | undefined;
  activations: string | undefined;
  buyer: number;
  days: number;
  dry: boolean;
}

export default async (args: EnrolArguments, hre: HardhatRuntimeEnvironment): Promise<void> => {
  const { list, batch } = args;
  await acting(args, hre, async (with_) => {
    if (list !== undefined && batch === undefined) return enrolList(args, list, with_);
    if (batch !== undefined && list === undefined) return enrolBatch(args, batch, with_);
    throw new TenonError("OptionMissing", "Say how the devices are enrolled", {
      remedy: "Give --list for one root over a whole production run, or --batch for a proof of every device.",
    });
  });
};

/** The files come before the transaction: a list that was opened and then lost would be of no use. */
async function enrolList(args: EnrolArguments, source: string, { tenon, account, now }: Acting) {
  const { devices } = tenon;
  const out = required("out", args.out, "the file that will hold the list");
  const { organisation } = await devices.makerTerm(account);
  if (organisation === 0) {
    throw new TenonError("ManufacturerRefused", "The account has never been a manufacturer's", {
      args: { account },
      remedy: "Name the manufacturer's signatory with --from.",
    });
  }
  const started = Date.now();
  const tree = await listFrom(source, out, (listed) => devices.factoryList(organisation, listed));
  if (args.activations !== undefined && !existsSync(args.activations))
    writeActivations(args.activations, tree);
  // The node may have closed an idle connection while the tree was built: let that be seen before it is used again.
  await sleep(20);
  const { root, count } = tree.list;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const files = { devices: count, root, list: out, made: `in ${seconds} s` };
  if (args.dry) return files;
  const known = await devices.listOf(organisation, root);
  if (known !== undefined) return { ...files, opened: "already", until: shown(known.until) };
  const until = now + Math.round(args.days * 86_400);
  await devices.enrol(tree.list, { until, buyer: args.buyer }).wait();
  return { ...files, opened: "now", until: shown(until), buyer: args.buyer || "whoever holds the device" };
}

/** The list of the file, or the one an earlier run made of it: salts are drawn once, so it must not be made again. */
async function listFrom(
  source: string,
  out: string,
  make: (listed: ListedDevice[]) => ListTree,
): Promise<ListTree> {
  if (existsSync(out)) return readFactoryList(out);
  const listed: ListedDevice[] = [];
  for await (const device of readDevices(source === "-" ? process.stdin : source)) listed.push(device);
  const tree = make(listed);
  writeFactoryList(out, tree.list);
  return tree;
}

async function enrolBatch({ json }: EnrolArguments, file: string, { tenon }: Acting) {
  const report = await tenon.devices.enrol(applicationsIn(file)).wait({
    onProgress: ({ enrolled, already, refused, transactions }) => {
      if (json) return;
      console.log(
        `${transactions} transactions: ${enrolled} enrolled, ${already} before, ${refused} refused`,
      );
    },
  });
  const refused = report.refused.map(({ id, error }) => ({ device: id, code: error.code }));
  if (refused.length > 0) process.exitCode = 1;
  if (!json) for (const { device, code } of refused) console.error(`refused ${device}: ${code}`);
  return { ...report, refused: json ? refused : refused.length };
}

async function* applicationsIn(file: string): AsyncGenerator<Application> {
  let line = 0;
  for await (const text of createInterface({
    input: file === "-" ? process.stdin : createReadStream(file),
  })) {
    line += 1;
    if (text.trim() !== "") yield applicationFrom(text, line);
  }
}

function shown(seconds: number): string {
  return new Date(1000 * seconds).toISOString();
}
