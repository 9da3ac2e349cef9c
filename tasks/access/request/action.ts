import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { required } from "../../device/options.js";
import { granteeFrom, granteeText, isoTime, permissionsFrom, readerFrom } from "../given.js";

interface RequestArguments extends ActingArguments {
  id: string;
  permissions: string | undefined;
  grantee: string | undefined;
  organisation: string | undefined;
  key: string | undefined;
}

export default async (args: RequestArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account }) => {
    const device = args.id as Hex;
    const grantee = granteeFrom(args.grantee, account);
    const permissions = permissionsFrom(args.permissions);
    const { key, organisation } = args;
    const reader =
      key === undefined ? undefined : readerFrom(required("organisation", organisation, "its number"), key);
    const { token, until, at } = await access.request({ device, grantee, permissions }).wait();
    const endpoint = reader === undefined ? {} : { endpoint: await access.endpoint(device, grantee, reader) };
    const words = { device, grantee: granteeText(grantee), permissions: permissions.join(", ") };
    return {
      ...words,
      token,
      until: isoTime(until),
      ...endpoint,
      block: at.block,
      transaction: at.transaction,
    };
  });
