import { existsSync, writeFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { parsed, writeNew } from "../../../sdk/src/devices/files.js";
import { handOverFrom, handOverToJson } from "../../../sdk/src/devices/forms.js";
import type { HandOver } from "../../../sdk/src/devices/ownership.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type Acting, type ActingArguments, acting } from "../acting.js";
import { required } from "../options.js";

interface TransferArguments extends ActingArguments {
  id: string;
  to: number;
  file: string | undefined;
  days: number;
  keep: boolean;
}

export default async (args: TransferArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async (with_) => {
    const file = required("file", args.file, "the file of the hand-over");
    const handOver = existsSync(file) ? handOverFrom(parsed(file)) : await begun(args, with_);
    const { terms, owner, recipient } = handOver;
    if (terms.device !== args.id.toLowerCase()) {
      throw new TenonError("HandOverForeign", "The file hands another device over", {
        args: { file, device: args.id, fileOf: terms.device },
        remedy: "Name the device of the file, or another file.",
      });
    }
    const { devices } = with_.tenon;
    if (owner === undefined || recipient === undefined) return signed(handOver, file, args, with_);
    const { epoch, at } = await devices.transfer(terms, owner, recipient).wait();
    return { device: terms.device, from: terms.from, to: terms.to, epoch, block: at.block };
  });

async function begun(args: TransferArguments, { tenon, now }: Acting): Promise<HandOver> {
  const to = required("to", args.to, "the number of the new owner");
  const deadline = now + Math.round(args.days * 86_400);
  return { terms: await tenon.devices.transferTerms(args.id as Hex, to, deadline) };
}

/** Adds the account's signature for its side; when that is the second one, sends. */
async function signed(handOver: HandOver, file: string, args: TransferArguments, { tenon }: Acting) {
  const { terms } = handOver;
  const mine = await tenon.devices.signTransfer(terms);
  const organisation = await tenon.devices.organisationOf(mine.signer);
  const side = organisation === terms.from ? "owner" : "recipient";
  if (organisation !== terms.from && organisation !== terms.to) {
    throw new TenonError("HandOverForeign", "The account acts for neither side of the hand-over", {
      args: { account: mine.signer, organisation, from: terms.from, to: terms.to },
      remedy: "Name a device manager of one of the two with --from.",
    });
  }
  const whole = { ...handOver, [side]: mine };
  const text = `${handOverToJson(whole)}\n`;
  if (existsSync(file)) writeFileSync(file, text);
  else writeNew(file, text);
  const { owner, recipient } = whole;
  if (owner === undefined || recipient === undefined || args.keep) return { file, signed: side, sent: "no" };
  const { epoch, at } = await tenon.devices.transfer(terms, owner, recipient).wait();
  return { device: terms.device, from: terms.from, to: terms.to, epoch, block: at.block };
}
