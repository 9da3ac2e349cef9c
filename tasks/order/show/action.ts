import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Orders } from "../../../sdk/src/consortium/orders.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { numberOf } from "../../options.js";
import { day, table } from "../../perform.js";
import { answering } from "../../run.js";
import { print, toJson, withTenon } from "../../tenon.js";

interface ShowArguments {
  order: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (
  { order, record, json }: ShowArguments,
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ orders }) => {
      if (order === undefined) await showAll(orders, json);
      else await showOne(orders, numberOf("order", order), json);
    }),
  );

async function showAll(orders: Orders, json: boolean): Promise<void> {
  const issued = await orders.list();
  const all = await Promise.all(issued.map(async ({ id }) => (await orders.get(id))!));
  if (json) return console.log(toJson({ orders: all }));
  if (all.length === 0) return console.log("No order was issued.");
  const rows = all.map(({ id, scope, status, organisation, module, until }) => [
    String(id),
    scope,
    status,
    `by organisation ${organisation}`,
    module,
    day(until),
  ]);
  console.log(table([["", "scope", "status", "", "module", "until"], ...rows]));
}

async function showOne(orders: Orders, id: number, json: boolean): Promise<void> {
  const found = await orders.get(id);
  if (found === undefined) {
    throw new TenonError("OrderUnknown", "No order of this number was issued", {
      args: { order: id },
      remedy: "npx hardhat order show lists them.",
    });
  }
  const history = await orders.history(id);
  if (json) return console.log(toJson({ ...found, history }));
  print({ ...found, issuedAt: moment(found.issuedAt), until: moment(found.until) }, false);
  for (const entry of history) {
    const what = "step" in entry ? `${entry.step} by ${entry.by}` : `issued by ${entry.issuer}`;
    console.log(`  block ${entry.at.block}: ${what}`);
  }
}

function moment(seconds: number): string {
  return new Date(1000 * seconds).toISOString();
}
