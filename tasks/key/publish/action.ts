import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { KeyUse } from "../../../sdk/src/consortium/organisation-keys.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  use: string;
  key: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ keys }) => keys.publish(useOf(args.use), publicKeyIn(args.key)),
    ({ organisation, use, version, at }) => ({ organisation, use, version, ...at }),
  );

function useOf(text: string): KeyUse {
  const known = ["DeviceFacing", "Encryption", "Disclosure"] as const;
  const use = known.find((one) => one === text);
  if (use !== undefined) return use;
  throw new TenonError("OptionInvalid", "A key has one of three uses", {
    args: { given: text },
    remedy: "Give DeviceFacing, Encryption or Disclosure.",
  });
}

function publicKeyIn(path: string | undefined): KeyObject {
  try {
    return createPublicKey(readFileSync(path ?? "no file was named"));
  } catch (cause) {
    throw new TenonError("KeyUnreadable", "The file holds no key", {
      args: { file: path },
      remedy:
        "Give --key with a P-256 key in PEM: openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
      cause,
    });
  }
}
