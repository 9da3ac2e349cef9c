import { readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { TenonError } from "../../../sdk/src/errors.js";
import { signedActInWords } from "../../../sdk/src/relay.js";
import { checkSignedAct, type SignedAct } from "../../../sdk/src/signed-act.js";
import { type WriteArguments, withTenonAs } from "../../perform.js";
import { print } from "../../tenon.js";

interface Arguments extends Omit<WriteArguments, "sign"> {
  file: string;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  withTenonAs(hre, args, async (tenon) => {
    const act = readAct(args.file);
    console.error(signedActInWords(act));
    const { events, ...relayed } = await tenon.relay(act).wait();
    print({ ...relayed, events: events.map(({ name }) => name).join(", ") }, args.json);
  });

function readAct(file: string): SignedAct {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new TenonError("SignedActUnreadable", "The file holds no signed act", {
      args: { file, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Give the file that --sign wrote.",
      cause,
    });
  }
  return checkSignedAct(value);
}
