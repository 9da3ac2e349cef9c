import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Organisation } from "../../../sdk/src/consortium/orgs.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { day, organisationOf, table } from "../../perform.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";

interface Arguments {
  organisation: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default ({ organisation, record, json }: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ orgs }) => {
      const wanted = organisation === undefined ? undefined : organisationOf(organisation);
      const found = wanted === undefined ? await orgs.list() : [await orgs.get(wanted)];
      const shown = found.filter((one) => one !== undefined);
      if (shown.length < found.length) {
        throw new TenonError("OrganisationUnknown", "There is no organisation of this number", {
          args: { organisation },
          remedy: "npx hardhat org show lists them.",
        });
      }
      if (json) console.log(toJson(wanted === undefined ? { organisations: shown } : shown[0]));
      else for (const one of shown) console.log(`${text(one)}\n`);
    }),
  );

function text(org: Organisation): string {
  const rows = org.signatories.flatMap(({ account, roles }) => {
    if (roles.length === 0) return [[account, "no role", "", "", ""]];
    return roles.map(({ role, until, limit, counts }) => [
      account,
      role,
      `until ${day(until)}`,
      limit === undefined ? "no limit" : `up to ${limit}`,
      counts ? "" : "does not count now",
    ]);
  });
  const group = org.controlGroup === undefined ? "" : `, controlled by ${org.controlGroup}`;
  return [
    `${org.id}  ${org.status}, holder ${org.holder}, code ${org.codeHash}${group}`,
    ...(rows.length === 0 ? ["no signatory"] : table(rows).split("\n")).map((line) => `   ${line}`),
  ].join("\n");
}
