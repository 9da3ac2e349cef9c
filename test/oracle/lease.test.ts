import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Lease, type LeaseSubject } from "../../oracle/src/lease.js";

const address = `0x${"a1".repeat(20)}` as const;
const genesisHash = `0x${"b2".repeat(32)}` as const;

describe("lease", () => {
  let folder: string;
  const held: Lease[] = [];
  let child: ChildProcess | undefined;

  const subject = (given: Partial<LeaseSubject> = {}): LeaseSubject => ({
    address,
    chainId: 31_337n,
    genesisHash,
    keyFile: join(folder, "keys-1", "anchor.key"),
    stateDir: join(folder, "state-1"),
    sharedDir: join(folder, "tmp"),
    ...given,
  });
  const acquire = (given?: Partial<LeaseSubject>) => {
    const lease = Lease.acquire(subject(given));
    held.push(lease);
    return lease;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-lease-"));
  });
  afterEach(() => {
    child?.kill("SIGKILL");
    for (const lease of held.splice(0)) lease.release();
    rmSync(folder, { recursive: true });
  });

  it("refuses a second oracle on the key, wherever its files are", () => {
    acquire();
    const elsewhere = { keyFile: join(folder, "keys-2", "copy.key"), stateDir: join(folder, "state-2") };
    expect(() => acquire(elsewhere)).to.throw("Another oracle holds this key");
    expect(() =>
      acquire({ ...elsewhere, keyFile: subject().keyFile, sharedDir: join(folder, "tmp-2") }),
    ).to.throw("keys-1");
  });

  it("refuses a second key on the state folder", () => {
    acquire();
    const other = { address: `0x${"c3".repeat(20)}`, keyFile: join(folder, "keys-2", "k") } as const;
    expect(() => acquire(other)).to.throw("oracle.lease");
  });

  it("lets another key, and the same key on another chain, work beside it", () => {
    acquire();
    acquire({ address: `0x${"c3".repeat(20)}`, stateDir: join(folder, "state-2") });
    acquire({ genesisHash: `0x${"d4".repeat(32)}`, stateDir: join(folder, "state-3") });
    expect(held).to.have.length(3);
  });

  it("keeps nothing when it is refused, and gives all up when released", () => {
    const first = acquire();
    expect(() => acquire({ stateDir: join(folder, "state-2") })).to.throw();
    acquire({ address: `0x${"c3".repeat(20)}`, stateDir: join(folder, "state-2") });
    first.release();
    acquire();
  });

  it("ends with a process that is killed", async () => {
    const script = `
      import { Lease } from ${JSON.stringify(new URL("../../oracle/src/lease.ts", import.meta.url).href)};
      const given = JSON.parse(process.argv[1]);
      Lease.acquire({ ...given, chainId: BigInt(given.chainId) });
      process.stdout.write("held");
      setInterval(() => {}, 1000);`;
    const given = JSON.stringify({ ...subject(), chainId: "31337" });
    child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, given], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child?.stdout?.once("data", resolve));
    expect(() => acquire()).to.throw("Another oracle holds this key");
    const gone = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    acquire();
  });
});
