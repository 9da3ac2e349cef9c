import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Wallet } from "ethers";
import { createTenon, loadDeployment, type Tenon } from "../../sdk/src/index.js";
import { type ChainAccess, chain, newKey } from "./support/chain.js";
import { type Task, taskRunner } from "./support/task.js";

/** Seconds between announcing and doing. */
const DELAY = 1;

describe(`the tasks of those who run a consortium, on ${chain.name}`, function () {
  this.timeout(8 * chain.patienceMs);
  const keys = {
    ...{ deployer: newKey(), admin: newKey(), registrar: newKey(), guardian: newKey() },
    ...{ maker: newKey(), clerk: newKey(), successor: newKey() },
  };
  let folder: string;
  let access: ChainAccess;
  let task: Task;
  let orgs: Tenon["orgs"];
  let broken = false;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-orgs-"));
    access = await (await chain.open()).access();
    task = taskRunner(access, join(folder, "deployments"));
    const roles = [{ role: "Manufacturer", days: 10, limit: "1000" }];
    const signatories = [{ address: keys.maker.address, roles }];
    const organisations = [{ name: "Maker", code: "91310000MA1K35T21X", controlGroup: "Lee", signatories }];
    writeFileSync(file("members.json"), JSON.stringify({ organisations }));
    const offices = (["admin", "registrar", "guardian"] as const).flatMap((one) => [
      `--${one}`,
      keys[one].address,
    ]);
    const all = ["--members", file("members.json"), "--delay", String(DELAY), ...offices];
    const { path } = await task(keys.deployer, ["deploy", ...all]);
    const deployment = loadDeployment(path as string);
    ({ orgs } = await createTenon({ provider: access.provider, deployment }));
  });
  after(async () => {
    await access?.close();
    rmSync(folder, { recursive: true });
  });
  // Each step goes on where the one before ended.
  beforeEach(function () {
    if (broken) this.skip();
  });
  afterEach(function () {
    broken ||= this.currentTest?.state === "failed";
  });

  const file = (name: string) => join(folder, name);

  /** What a task answers, run again until what it announced is done; the chain's clock moves with its blocks. */
  const until = async (
    account: Wallet,
    args: string[],
    done = (answer: Record<string, unknown>) => answer.announced !== true,
  ): Promise<Record<string, unknown>> => {
    const answer = await task(account, args);
    if (done(answer)) return answer;
    await sleep(DELAY * 1_000);
    return until(account, args, done);
  };

  const rolesOf = async (organisation: number) =>
    (await orgs.get(organisation))!.signatories.map(({ account, roles }) => [
      account,
      ...roles.map(({ role, limit }) => `${role} ${limit}`),
    ]);

  it("hold the seal against the chain", async () => {
    const seal = await task(keys.deployer, ["admin", "seal"]);
    expect(seal.state).to.equal("as it was sealed");
    expect(seal.registrar).to.include(keys.registrar.address);
  });

  it("admit an organisation after announcing it, and show it", async () => {
    const code = "91440300MA5G0Q8P7B";
    const first = await task(keys.registrar, ["org", "admit", code, "--group", "Lee"]);
    expect(first.announced).to.equal(true);
    const admitted = await until(keys.registrar, ["org", "admit", code, "--group", "Lee"]);
    expect(admitted).to.include({ organisation: 2 });
    const shown = await task(keys.deployer, ["org", "show", "2"]);
    expect([shown.status, shown.controlGroup]).to.deep.equal(["Active", (await orgs.get(1))!.controlGroup]);
  });

  it("add a signatory and grant it a role with a limit; what is due is done in one run", async () => {
    const { clerk, registrar } = keys;
    await until(registrar, ["org", "add-signatory", "2", clerk.address]);
    const announced = await task(registrar, [
      ...["role", "grant", clerk.address, "Treasurer"],
      ...["--days", "9", "--limit", "500"],
    ]);
    expect(announced.announced).to.equal(true);
    const isDone = (answer: { done?: unknown }) => (answer.done as unknown[]).length > 0;
    const { done, waiting } = await until(registrar, ["admin", "execute"], isDone);
    expect([(done as unknown[]).length, waiting]).to.deep.equal([1, []]);
    expect(await rolesOf(2)).to.deep.equal([[clerk.address, "Treasurer 500"]]);
  });

  it("list roles that end within two weeks, and renew them with their limits", async () => {
    const list = await task(keys.registrar, ["role", "renew", "--list"]);
    const roles = list.roles as { role: string; state: string }[];
    expect(roles.map(({ role, state }) => [role, state])).to.have.deep.members([
      ["Manufacturer", "ends"],
      ["Treasurer", "ends"],
    ]);
    const renew = ["role", "renew", "--account", keys.maker.address];
    const stateOf = ({ roles: all }: { roles?: unknown }) => (all as { state: string }[])[0]?.state;
    expect(stateOf(await task(keys.registrar, renew))).to.equal("announced");
    await until(keys.registrar, renew, (answer) => stateOf(answer) === "renewed");
    expect(await rolesOf(1), "the limit stayed").to.deep.equal([[keys.maker.address, "Manufacturer 1000"]]);
    expect((await orgs.ending()).map(({ role }) => role)).to.deep.equal(["Treasurer"]);
  });

  it("replace a signatory whose key is lost", async () => {
    const { clerk, successor, registrar } = keys;
    await until(registrar, ["org", "replace-signatory", clerk.address, successor.address]);
    expect(await rolesOf(2)).to.deep.equal([[successor.address, "Treasurer 500"]]);
  });

  it("sign an act into a file that somebody else brings", async () => {
    const { successor, maker } = keys;
    const act = file("forfeit.json");
    const signed = await task(successor, ["role", "forfeit", "Treasurer", "--sign", act]);
    expect(signed.by).to.equal(successor.address);
    const relayed = await task(maker, ["act", "relay", act]);
    expect(relayed).to.include({ signer: successor.address, relayer: maker.address, method: "forfeit" });
    expect(await rolesOf(2)).to.deep.equal([[successor.address]]);
  });

  it("let the guardian stop an organisation, a signatory and an action, at once", async () => {
    const { guardian, successor } = keys;
    await task(guardian, ["org", "suspend", "2"]);
    expect((await orgs.get(2))!.status).to.equal("Suspended");
    await task(guardian, ["org", "remove-signatory", successor.address]);
    expect(await rolesOf(2)).to.deep.equal([]);
    const pause = ["admin", "pause", "Encumbrances", "--actions", "place", "--hours", "1"];
    await task(guardian, [...pause, "--reason", "a fault in the scale"]);
  });

  it("show who can do what today, with every delay", async () => {
    const shown = (await task(keys.deployer, ["admin", "show"])) as {
      offices: { name: string; holders: { account: string; delay: number }[] }[];
      functions: { contract: string; method: string; office: string }[];
      paused: { contract: string; action: string }[];
      byThemselves: { contract: string; method: string }[];
      organisations: { id: number; status: string }[];
    };
    const holders = shown.offices.map(({ name, holders: all }) => [
      name,
      all.map((one) => [one.account, one.delay]),
    ]);
    expect(holders).to.deep.equal([
      ["ADMIN", [[keys.admin.address, DELAY]]],
      ["REGISTRAR", [[keys.registrar.address, DELAY]]],
      ["GUARDIAN", [[keys.guardian.address, 0]]],
    ]);
    const office = (method: string) =>
      shown.functions.find((one) => one.contract === "Consortium" && one.method === method)?.office;
    expect(["replaceSignatory", "removeSignatory", "setOrgListener"].map(office)).to.deep.equal([
      "REGISTRAR",
      "GUARDIAN",
      "ADMIN",
    ]);
    expect(shown.byThemselves.some(({ method }) => method === "countersign")).to.equal(true);
    expect(shown.paused.map(({ contract, action }) => `${contract}.${action}`)).to.deep.equal([
      "Encumbrances.place",
    ]);
    expect(shown.organisations.map(({ id, status }) => [id, status])).to.deep.equal([
      [1, "Active"],
      [2, "Suspended"],
    ]);
  });
});
