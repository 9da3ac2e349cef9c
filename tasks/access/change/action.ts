import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type ActingArguments, acting } from "../../device/acting.js";
import { required } from "../../device/options.js";
import { wholeNumber } from "../../options.js";
import { granteeFrom, granteeText, permissionsFrom } from "../given.js";
import { passText } from "../order.js";

interface ChangeArguments extends ActingArguments {
  id: string;
  grantee: string | undefined;
  permissions: string | undefined;
  days: string | undefined;
  interval: string | undefined;
  delegations: string | undefined;
  endpoint: string | undefined;
}

export default async (args: ChangeArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { access }, account, now }) => {
    const device = args.id as Hex;
    const grantee = granteeFrom(
      required("grantee", args.grantee, "an account, or ORGANISATION:ROLE"),
      account,
    );
    const present = await access.policy(device, grantee);
    if (present.permissions.length === 0) {
      throw new TenonError("PassMissing", "There is no pass to change", {
        args: { device, grantee: granteeText(grantee) },
        remedy: "Give one with access grant.",
      });
    }
    const { permissions, days, endpoint } = args;
    const order = {
      device,
      grantee,
      permissions: permissions === undefined ? present.permissions : permissionsFrom(permissions),
      expiry: days === undefined ? present.expiry : now + Math.round(Number(days) * 86_400),
      notBefore: present.notBefore,
      minInterval: wholeNumber("interval", args.interval) ?? present.minInterval,
      delegations: wholeNumber("delegations", args.delegations) ?? present.delegations,
      ...(endpoint === undefined ? {} : { endpoint }),
    };
    const prepared = await access.prepare(order);
    const { at } = await access.grant(prepared).wait();
    return { ...passText({ ...prepared.pass, ...order }), block: at.block, transaction: at.transaction };
  });
