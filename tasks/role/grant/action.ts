import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Role } from "../../../sdk/src/consortium/orgs.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { momentOf, perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  account: string;
  role: string;
  until: string | undefined;
  days: string | undefined;
  limit: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    async ({ orgs }) =>
      orgs.grantRole({
        account: args.account,
        role: args.role as Role,
        until: momentOf(args.until, args.days, Math.floor(Date.now() / 1_000)),
        ...(args.limit === undefined ? {} : { limit: limitOf(args.limit) }),
      }),
    ({ organisation, at }) => ({ organisation, granted: args.role, to: args.account, ...at }),
    ({ method, args: given }) => {
      const value = (name: string) => given.find((one) => one.name === name)?.value;
      const account = value("account")?.toLowerCase() === args.account.toLowerCase();
      return method === "grantRole" && account && value("role") === args.role;
    },
  );

function limitOf(text: string): bigint {
  if (/^\d{1,38}$/.test(text)) return BigInt(text);
  throw new TenonError("OptionInvalid", "--limit is a whole number", {
    args: { given: text },
    remedy: "Give fen, or a number of devices for Manufacturer; leave it out for no limit.",
  });
}
