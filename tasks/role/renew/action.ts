import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Tenon } from "../../../sdk/src/client.js";
import type { EndingRole } from "../../../sdk/src/consortium/orgs.js";
import { readCall } from "../../../sdk/src/words.js";
import { wholeNumber } from "../../options.js";
import { day, table, type WriteArguments, withTenonAs } from "../../perform.js";
import { toJson } from "../../tenon.js";

interface Arguments extends Omit<WriteArguments, "sign"> {
  within: string | undefined;
  days: string | undefined;
  account: string | undefined;
  list: boolean;
}

interface Renewal {
  organisation: number;
  account: string;
  role: string;
  until: number;
  /** What became of it. */
  state: "renewed" | "announced" | "ends" | "ended";
  /** When an announced renewal is due, seconds. */
  dueAt?: number;
}

export default (args: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  withTenonAs(hre, args, async (tenon, account) => {
    const within = wholeNumber("within", args.within) ?? 14;
    const days = wholeNumber("days", args.days) ?? 365;
    const only = args.account?.toLowerCase();
    const ending = (await tenon.orgs.ending(within * 86_400)).filter(
      (one) => only === undefined || one.account.toLowerCase() === only,
    );
    const done: Renewal[] = [];
    for (const one of ending) done.push(args.list ? listed(one) : await renewed(tenon, account, one, days));
    if (args.json) console.log(toJson({ roles: done }));
    else console.log(text(done, within));
  });

function listed({ organisation, account, role, until, counts }: EndingRole): Renewal {
  return { organisation, account, role, until, state: counts ? "ends" : "ended" };
}

/** Renews one role, or announces that, or goes on with what was announced on another day. */
async function renewed(tenon: Tenon, by: string, one: EndingRole, days: number): Promise<Renewal> {
  const until = Math.floor(Date.now() / 1_000) + days * 86_400;
  const { organisation, account, role, limit } = one;
  const request = { account, role, until, ...(limit === undefined ? {} : { limit }) };
  const announced = (await tenon.admin.announced(by)).find(({ data }) => {
    const { method, args } = readCall(data);
    const said = (name: string) => args.find((arg) => arg.name === name)?.value;
    return method === "grantRole" && said("account") === account && said("role") === role;
  });
  const operation = announced ? tenon.admin.carryOut(announced) : tenon.orgs.grantRole(request);
  const due = await operation.proceed();
  if (!due.done)
    return { organisation, account, role, until: one.until, state: "announced", dueAt: due.readyAt };
  const held = (await tenon.orgs.signatory(account))?.roles.find((now) => now.role === role);
  return { organisation, account, role, until: held?.until ?? until, state: "renewed" };
}

function text(roles: Renewal[], within: number): string {
  if (roles.length === 0) return `No role ends within ${within} days.`;
  return table(
    roles.map(({ organisation, account, role, until, state, dueAt }) => [
      `organisation ${organisation}`,
      account,
      role,
      `${state}${state === "renewed" ? " until" : ""} ${day(until)}`,
      dueAt === undefined ? "" : `due at ${new Date(dueAt * 1_000).toISOString()}: run this again then`,
    ]),
  );
}
