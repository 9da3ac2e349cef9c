import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Wallet } from "ethers";
import type { Hex } from "../../sdk/src/index.js";
import { ecKeys, makeAuthority, makeDeviceCertificate, pem } from "../support/x509.js";
import { type ChainAccess, chain, newKey } from "./support/chain.js";
import { type Task, taskRunner } from "./support/task.js";

/** Seconds between announcing and doing. */
const DELAY = 1;

describe(`a machine's papers: certificate, parts, firmware, by tasks, on ${chain.name}`, function () {
  this.timeout(16 * chain.patienceMs);
  const keys = {
    ...{ deployer: newKey(), admin: newKey(), registrar: newKey(), guardian: newKey() },
    ...{ maker: newKey(), manager: newKey(), certifier: newKey(), buyer: newKey() },
  };
  const authority = makeAuthority("Heavy Works devices");
  let folder: string;
  let access: ChainAccess;
  let task: Task;
  let excavator: Hex;
  let engine: Hex;
  let certificate: string;
  let broken = false;

  const file = (name: string) => join(folder, name);
  const register = async (name: string): Promise<Hex> => {
    const args = ["device", "register", "--key", file(`${name}.pem`), "--owner", "1"];
    return (await task(keys.maker, args)).device as Hex;
  };
  /** What a task answers, run again until what it announced is done. */
  const until = async (account: Wallet, args: string[]) => {
    for (;;) {
      const answer = await task(account, args);
      if (answer.announced !== true) return answer;
      await sleep(1_100 * DELAY);
    }
  };
  const refusalOf = async (account: Wallet, args: string[]): Promise<string> =>
    task(account, args).then(
      () => expect.fail("was not refused"),
      (error: { stderr: string }) => error.stderr,
    );

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-papers-"));
    access = await (await chain.open()).access();
    task = taskRunner(access, join(folder, "deployments"));
    const signatory = (account: Wallet, role: string) => ({
      address: account.address,
      roles: [{ role, days: 10 }],
    });
    const organisations = [
      {
        name: "Heavy Works",
        code: "91310000MA1K35T21X",
        signatories: [
          signatory(keys.maker, "Manufacturer"),
          signatory(keys.manager, "DeviceManager"),
          signatory(keys.certifier, "Certifier"),
        ],
      },
      {
        name: "Site Rental",
        code: "91440300MA5G0Q8P7B",
        signatories: [signatory(keys.buyer, "DeviceManager")],
      },
    ];
    writeFileSync(file("members.json"), JSON.stringify({ organisations }));
    const offices = (["admin", "registrar", "guardian"] as const).flatMap((one) => [
      `--${one}`,
      keys[one].address,
    ]);
    const all = ["--members", file("members.json"), "--delay", String(DELAY), ...offices];
    const { record } = await task(keys.deployer, ["deploy", ...all]);
    [excavator, engine] = [await register("excavator"), await register("engine")];
    const did = `did:tenon:${(record as { chainId: number }).chainId}:${excavator.slice(2)}`;
    const own = makeDeviceCertificate(authority, { key: ecKeys().publicKey, uris: [did] });
    certificate = file("certificate.pem");
    writeFileSync(certificate, pem(own, authority.der));
    writeFileSync(file("authority.pem"), pem(authority.der));
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

  it("takes a certificate once its authority is admitted, and not for another device", async () => {
    const bind = ["certificate", "bind", excavator, certificate];
    expect(await refusalOf(keys.certifier, bind)).to.match(/^CertificateAuthorityMissing/);
    const admit = ["certificate", "admit", file("authority.pem"), "--organisation", "1", "--kind", "Factory"];
    expect(await until(keys.registrar, admit)).to.include({ id: 1, hash: authority.hash });
    const foreign = ["certificate", "bind", engine, certificate];
    expect(await refusalOf(keys.certifier, foreign)).to.match(/^CertificateDeviceMismatch/);
    expect(await task(keys.certifier, bind)).to.include({ device: excavator, authority: 1 });
    const checked = await task(keys.buyer, ["certificate", "check", excavator, certificate]);
    expect(checked).to.include({ chain: "Good", boundBy: "did", serialNumber: "EC-0001" });
  });

  it("builds the machine and hands it over with its part", async () => {
    await task(keys.manager, ["machine", "attach", excavator, engine]);
    const shown = await task(keys.buyer, ["machine", "show", excavator]);
    expect(shown.tree).to.deep.equal({ device: excavator, parts: [{ device: engine, parts: [] }] });
    await task(keys.manager, ["machine", "offer", excavator, "--to", "2", "--days", "1"]);
    const taken = await task(keys.buyer, ["machine", "take-over", excavator]);
    expect(taken).to.include({ accepted: `${excavator}\n${engine}`, attached: engine, missing: "" });
    expect(await task(keys.manager, ["machine", "show", engine])).to.include({ root: excavator });
  });

  it("records what the machine runs, and never an older release", async () => {
    for (const sequence of ["4", "5"]) {
      for (const name of ["image", "manifest"]) writeFileSync(file(name), `${name} ${sequence}`);
      const what = ["--oem", "32473", "--model", "EC-220", "--sequence", sequence];
      const files = ["--image", file("image"), "--manifest", file("manifest")];
      await task(keys.maker, ["firmware", "publish", ...what, ...files]);
    }
    const install = ["firmware", "install", excavator, "--key", file("excavator.pem")];
    const manifest = ["--manifest", file("manifest")];
    expect(await refusalOf(keys.buyer, [...install, "--release", "1", ...manifest])).to.match(
      /^ManifestForeign/,
    );
    const done = await task(keys.buyer, [...install, "--release", "2", ...manifest]);
    expect(done).to.include({ release: 2, sequence: "5", installations: 1 });
    expect(await refusalOf(keys.buyer, [...install, "--release", "1"])).to.match(/^FirmwareNotInstallable/);
    await task(keys.maker, ["firmware", "withdraw", "2"]);
    expect(await task(keys.buyer, ["firmware", "show", excavator])).to.include({ state: "Withdrawn" });
  });

  it("shows at once when a certificate is revoked, and when its whole authority is", async () => {
    const { hash } = await task(keys.buyer, ["certificate", "check", excavator, certificate]);
    await task(keys.certifier, ["certificate", "revoke", hash as string, "--reason", "superseded"]);
    const after = await task(keys.buyer, ["certificate", "check", excavator, certificate]);
    expect(after.chain).to.equal("Revoked");
    await task(keys.guardian, ["certificate", "revoke-authority", "1", "--reason", "cACompromise"]);
    const [shown] = (await task(keys.buyer, ["certificate", "show"])) as unknown as { revoked: boolean }[];
    expect(shown!.revoked).to.equal(true);
  });
});
