import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import type { Tenon } from "../../../sdk/src/client.js";
import { moduleAddress } from "../../../sdk/src/consortium/modules.js";
import { type OrderPurpose, strikeSubject, transferSubject } from "../../../sdk/src/consortium/orders.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { numberOf } from "../../options.js";
import { momentOf, perform, type WriteArguments } from "../../perform.js";

interface Arguments extends WriteArguments {
  scope: string;
  document: string | undefined;
  until: string | undefined;
  days: string | undefined;
  asset: string | undefined;
  organisation: string | undefined;
  device: string | undefined;
  to: string | undefined;
  strike: string | undefined;
  subject: string | undefined;
  module: string | undefined;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ orders, deployment }) =>
      orders.issue({
        documentHash: needed(args.document, "--document with the salted hash of the order on paper"),
        purpose: purposeOf(args, deployment),
        until: momentOf(args.until, args.days, Math.floor(Date.now() / 1_000)),
      }),
    ({ id, scope, module, subject, at }) => ({ order: id, scope, module, subject, ...at }),
  );

/** What the order is about, by the options of its scope. */
function purposeOf(args: Arguments, deployment: Tenon["deployment"]): OrderPurpose {
  const { scope, module = "DeviceRegistry" } = args;
  if (scope === "Hold")
    return { scope, module, asset: needed(args.asset, "--asset with the id of the asset") };
  if (scope === "Freeze") return { scope, organisation: numberOf("organisation", args.organisation) };
  if (scope === "Force" && args.device !== undefined) {
    const registry = moduleAddress(deployment, module);
    const subject = transferSubject(registry, args.device as Hex, numberOf("to", args.to));
    return { scope, module: "DeviceRecovery", subject };
  }
  if (scope === "Force" && args.strike !== undefined) {
    const asset = needed(args.asset, "--asset with the id of the asset that is bound");
    const bound = moduleAddress(deployment, module);
    return {
      scope,
      module: "Encumbrances",
      subject: strikeSubject(bound, asset, numberOf("strike", args.strike)),
    };
  }
  if (scope === "Force" || scope === "Disclose") {
    const subject = needed(
      args.subject,
      "--subject with what it is about, and --module with the contract that acts",
    );
    return { scope, module: needed(args.module, "--module with the contract that acts on it"), subject };
  }
  throw new TenonError("OptionInvalid", "An order is of one of four scopes", {
    args: { given: scope },
    remedy: "Give Hold, Freeze, Force or Disclose.",
  });
}

function needed(value: string | undefined, what: string): Hex {
  if (value !== undefined) return value as Hex;
  throw new TenonError("OptionMissing", "The order is not told in full", { remedy: `Give ${what}.` });
}
