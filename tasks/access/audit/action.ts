import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { AccessReport } from "../../../sdk/src/access/history.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { timeOf } from "../../device/options.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";
import { granteeText, isoTime } from "../given.js";
import { eventText } from "./text.js";

interface AuditArguments {
  id: string;
  at: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: AuditArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ access }) => {
      const device = args.id as Hex;
      const report = await access.audit(device, args.at === undefined ? undefined : timeOf("at", args.at));
      const recorded = await access.log.recorded(device, report.block);
      const readings = await access.log.readings(device);
      if (args.json) {
        console.log(toJson({ ...report, recorded, readings }));
        return;
      }
      printReport(report);
      for (const { requester, outcome, permissions, time, at } of recorded) {
        const what = `${requester}: ${outcome}: ${permissions.join(", ")}`;
        console.log(`  block ${at.block}: recorded by the owner, ${isoTime(time)}: ${what}`);
      }
      for (const { organisation, order, at } of readings) {
        const why = order === 0 ? "general supervision" : `order ${order}`;
        console.log(`  block ${at.block}: read by the regulator, organisation ${organisation} (${why})`);
      }
    }),
  );

function printReport({ device, time, block, state, passes, done }: AccessReport): void {
  const { status, owner, epoch, accessStopped, engaged } = state;
  const marks = [accessStopped ? ", access stopped" : "", engaged || epoch === 0 ? "" : ", not engaged"].join(
    "",
  );
  console.log(`${device} at ${isoTime(time)} (after block ${block})`);
  console.log(`${status}, organisation ${owner}, epoch ${epoch}${marks}`);
  console.log("who could do what:");
  if (passes.length === 0) console.log("  nobody");
  for (const { grantee, pass, reason } of passes) {
    const terms = `${pass.permissions.join(", ")} until ${isoTime(pass.expiry)}`;
    console.log(
      `  ${granteeText(grantee)}: ${reason === "Allowed" ? terms : `nothing (${reason}; ${terms})`}`,
    );
  }
  console.log("who did:");
  if (done.length === 0) console.log("  nobody");
  for (const event of done) console.log(`  block ${event.at.block}: ${eventText(event)}`);
}
