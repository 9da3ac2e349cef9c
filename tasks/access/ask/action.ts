import { randomBytes } from "node:crypto";
import { keccak256 } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { type Hex, toHex } from "../../../sdk/src/bytes.js";
import type { DeviceInterface } from "../../../sdk/src/did/publication.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { granteeFrom, granteeText, permissionsFrom } from "../given.js";

interface AskArguments extends ActingArguments {
  id: string;
  permissions: string | undefined;
  service: string | undefined;
  grantee: string | undefined;
  purpose: string | undefined;
}

export default async (args: AskArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access, did }, account }) => {
    const { service } = args;
    const permissions =
      service === undefined
        ? permissionsFrom(args.permissions)
        : neededFor(service, await did.interfaces(args.id as Hex));
    const grantee = granteeFrom(args.grantee, account);
    const { purpose } = args;
    const salt = randomBytes(32);
    const text = Buffer.from(purpose ?? "", "utf8");
    const hash = purpose === undefined ? undefined : (keccak256(Buffer.concat([salt, text])) as Hex);
    const asked = await access.ask({ device: args.id as Hex, grantee, permissions }, hash).wait();
    return {
      device: asked.device,
      grantee: granteeText(grantee),
      permissions: permissions.join(", "),
      ...(purpose === undefined ? {} : { purpose, salt: toHex(salt) }),
      block: asked.at.block,
      transaction: asked.at.transaction,
    };
  });

/** What a published service asks for. Throws `ServiceUnknown`. */
function neededFor(service: string, offered: readonly DeviceInterface[]): string[] {
  const found = offered.find(({ id }) => id === service);
  if (found !== undefined) return [...found.permissions];
  throw new TenonError("ServiceUnknown", "The device publishes no such service", {
    args: { service, published: offered.map(({ id }) => id).join(", ") || "none" },
    remedy: "Name one of these (access show lists them), or give --permissions.",
  });
}
