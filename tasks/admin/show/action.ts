import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Office, Powers } from "../../../sdk/src/consortium/admin.js";
import type { Organisation } from "../../../sdk/src/consortium/orgs.js";
import type { ContractName } from "../../../sdk/src/deployment.js";
import { access } from "../../deploy/access.js";
import { day, table } from "../../perform.js";
import { answering } from "../../run.js";
import { toJson, withTenon } from "../../tenon.js";

interface Arguments {
  record: string | undefined;
  json: boolean;
}

export default ({ record, json }: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ admin, orgs }) => {
      const [powers, organisations] = await Promise.all([admin.powers(), orgs.list()]);
      const functions = [...powers.functions, ...ofAdmin(powers)];
      if (json) console.log(toJson({ ...powers, functions, organisations, byThemselves: byThemselves() }));
      else console.log(text({ ...powers, functions }, organisations));
    }),
  );

/** Restricted functions that the chain opens to no other office. */
function ofAdmin({ functions }: Powers): Powers["functions"] {
  const opened = new Set(functions.map(({ contract, method }) => `${contract}.${method}`));
  return rules()
    .filter(({ contract, method, who }) => who === "ADMIN" && !opened.has(`${contract}.${method}`))
    .map(({ contract, method }) => ({ contract, method, office: "ADMIN" }));
}

/** What no office opens: the contract itself decides, by roles and signatures. */
function byThemselves(): { contract: ContractName; method: string; who: string }[] {
  return rules()
    .filter(({ who }) => who.startsWith("by itself: "))
    .map(({ who, ...rest }) => ({ ...rest, who: who.slice("by itself: ".length) }));
}

function rules(): { contract: ContractName; method: string; who: string }[] {
  return Object.entries(access).flatMap(([contract, methods]) =>
    Object.entries(methods).map(([method, who]) => ({ contract: contract as ContractName, method, who })),
  );
}

function text(powers: Powers, organisations: Organisation[]): string {
  return [
    `At block ${powers.block}.`,
    section("Offices", powers.offices.flatMap(holders)),
    section(
      "What an office may call",
      powers.offices.map(({ name }) => [name, calls(powers, name)]),
    ),
    section(
      "Changes of who may call what",
      powers.contracts.map(({ contract, closed, changeDelay }) => [
        contract,
        `${changeDelay} s after announcing${closed ? "; closed: nobody may call it" : ""}`,
      ]),
    ),
    section("Announced", powers.announced.map(announcement)),
    section(
      "Paused",
      powers.paused.map(({ contract, action, until }) => [
        `${contract}.${action}`,
        until === undefined ? "for ever: entries are closed" : `until ${moment(until)}`,
      ]),
    ),
    section("Who acts for organisations", organisations.flatMap(signatories)),
    section(
      "Guarded by the contracts themselves",
      byThemselves().map(({ contract, method, who }) => [`${contract}.${method}`, who]),
    ),
  ].join("\n\n");
}

function holders({ name, holders: all, grantDelay }: Office): string[][] {
  const others = `a new holder waits ${grantDelay} s`;
  if (all.length === 0) return [[name, "nobody", "", others]];
  return all.map(({ account, delay, comingDelay }) => {
    const coming = comingDelay ? `, ${comingDelay.delay} s from ${moment(comingDelay.from)}` : "";
    const acts = delay === 0 ? "acts at once" : `acts ${delay} s after announcing`;
    return [name, account, `${acts}${coming}`, others];
  });
}

function calls({ functions }: Powers, office: string): string {
  const own = functions.filter((one) => one.office === office);
  const contracts = [...new Set(own.map(({ contract }) => contract))];
  const list = (contract: ContractName) =>
    own
      .filter((one) => one.contract === contract)
      .map(({ method }) => method)
      .join(" ");
  const everything = office === "ADMIN" ? ["AccessManager: holders, delays, this table"] : [];
  return [...everything, ...contracts.map((contract) => `${contract}: ${list(contract)}`)].join("; ");
}

function announcement({ by, words, readyAt, ready }: Powers["announced"][number]): string[] {
  const due = ready ? "due" : `due at ${moment(readyAt)}`;
  return [due, `by ${by}`, words.replaceAll(/\s*\n\s*/g, ", ")];
}

function signatories({ id, status, signatories: all }: Organisation): string[][] {
  return all.flatMap(({ account, roles }) => {
    if (roles.length === 0) return [[`${id} ${status}`, account, "no role", "", ""]];
    return roles.map(({ role, until, limit, counts }) => [
      `${id} ${status}`,
      account,
      role,
      `until ${day(until)}${counts ? "" : " (does not count now)"}`,
      limit === undefined ? "no limit" : `up to ${limit}`,
    ]);
  });
}

function section(heading: string, rows: string[][]): string {
  const body = rows.length === 0 ? "none" : table(rows);
  return `${heading}\n${body.replaceAll(/^/gm, "  ")}`;
}

function moment(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
