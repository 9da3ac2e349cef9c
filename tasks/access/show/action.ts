import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";
import { granteeText, isoTime } from "../given.js";

interface ShowArguments {
  id: string;
  record: string | undefined;
  json: boolean;
}

export default async ({ id, record, json }: ShowArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ access, did }) => {
      const { passes, state } = await access.audit(id as Hex);
      const interfaces = await did.interfaces(id as Hex);
      if (json) {
        console.log(toJson({ device: id, state, passes, interfaces }));
        return;
      }
      const { status, owner, epoch, accessStopped } = state;
      console.log(
        `${id}: ${status}, organisation ${owner}, epoch ${epoch}${accessStopped ? ", access stopped" : ""}`,
      );
      for (const { id: name, type, permissions, endpoint } of interfaces) {
        const where = endpoint ?? "by grant";
        console.log(`  #${name} (${type}, ${where}): ${permissions.join(", ") || "open to anyone"}`);
      }
      if (passes.length === 0) console.log("  nobody ever had a pass");
      for (const { grantee, pass, reason } of passes) {
        const what = pass.permissions.join(", ");
        console.log(
          `  ${granteeText(grantee)}: ${reason}: ${what} until ${isoTime(pass.expiry)}, rev ${pass.rev}`,
        );
      }
    }),
  );
