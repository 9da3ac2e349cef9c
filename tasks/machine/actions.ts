import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../sdk/src/bytes.js";
import type { MachineTree, PartChange } from "../../sdk/src/devices/machines.js";
import { momentOf, organisationOf, perform, type WriteArguments, withTenonAs } from "../perform.js";
import { answering } from "../run.js";
import { print, withTenon } from "../tenon.js";

interface MachineArguments {
  machine: string;
  from: string | undefined;
  record: string | undefined;
  json: boolean;
}

interface PartsArguments extends WriteArguments {
  machine: string;
  parts: string[];
}

const told = (changes: readonly PartChange[]) => ({
  done: changes.map(({ kind, part, machine }) => `${part} ${kind} ${machine}`).join("\n"),
  block: changes[0]?.at.block,
});

export const attach = (args: PartsArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(hre, args, ({ machines }) => machines.attach(args.machine as Hex, args.parts as Hex[]), told);

export const move = (args: PartsArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(hre, args, ({ machines }) => machines.move(args.machine as Hex, args.parts as Hex[]), told);

export const detach = (
  args: Omit<PartsArguments, "machine">,
  hre: HardhatRuntimeEnvironment,
): Promise<void> => perform(hre, args, ({ machines }) => machines.detach(args.parts as Hex[]), told);

export const show = (
  { machine, record, json }: Omit<MachineArguments, "from">,
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ machines }) => {
      const tree = await machines.tree(machine as Hex);
      const root = await machines.rootOf(machine as Hex);
      if (json) print({ root, tree }, true);
      else console.log([...(root === tree.device ? [] : [`part of ${root}`]), ...lines(tree)].join("\n"));
    }),
  );

function lines({ device, parts }: MachineTree, indent = ""): string[] {
  return [`${indent}${device}`, ...parts.flatMap((part) => lines(part, `${indent}  `))];
}

export const offer = (
  args: MachineArguments & { to: string | undefined; until: string | undefined; days: string | undefined },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  withTenonAs(hre, args, async ({ machines }) => {
    const until = momentOf(args.until, args.days, Math.floor(Date.now() / 1000));
    const to = organisationOf(args.to ?? "");
    const offered = await machines.offer(args.machine as Hex, to, until);
    print({ offered: offered.join("\n"), to, until: new Date(1000 * until).toISOString() }, args.json);
  });

export const takeOver = (args: MachineArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  withTenonAs(hre, args, async ({ machines }) => {
    const { accepted, attached, missing } = await machines.takeOver(args.machine as Hex);
    const parts = attached.map(({ part }) => part).join("\n");
    print({ accepted: accepted.join("\n"), attached: parts, missing: missing.join("\n") }, args.json);
  });

export const reassemble = (args: MachineArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  withTenonAs(hre, args, async ({ machines }) => {
    const attached = await machines.reassemble(args.machine as Hex);
    print({ attached: attached.map(({ part }) => part).join("\n") || "nothing was out of place" }, args.json);
  });
