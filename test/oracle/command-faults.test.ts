import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { wordsOf } from "../../oracle/src/commands/failure.js";
import { printable } from "../../oracle/src/commands/rejects.js";
import { Lease } from "../../oracle/src/lease.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import { openState } from "../../oracle/src/state/db.js";
import { FileLock } from "../../sdk/src/device/lock.js";
import { failure } from "../support/failure.js";
import { runOracle } from "./support/process.js";

describe("what the oracle's commands say when they cannot", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-commands-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const state = (database: Uint8Array) => {
    mkdirSync(join(folder, "log"));
    writeFileSync(join(folder, "state.db"), database);
    return folder;
  };
  /** Words with a remedy, and no line of a stack trace. */
  const requireWords = (text: string, code: string) => {
    expect(text).to.match(new RegExp(`^${code}: `));
    expect(text).to.include("→");
    expect(text).not.to.match(/\n\s+at .*:\d+/);
  };

  it("names a state database that is not one, and one without tables", async () => {
    const damaged = await runOracle("gaps", "--state", state(new Uint8Array(9_000).fill(7)));
    expect(damaged.code).to.equal(1);
    requireWords(damaged.stderr, "StateDamaged");
    writeFileSync(join(folder, "state.db"), "");
    const empty = await runOracle("rejects", "--state", folder);
    expect(empty.code).to.equal(1);
    requireWords(empty.stderr, "StateVersion");
    writeFileSync(join(folder, "state.db"), new Uint8Array(9_000).fill(7));
    expect(() => openState(join(folder, "state.db")))
      .to.throw()
      .with.property("code", "StateDamaged");
  });

  it("does not take the name of an object's own method for a command", async () => {
    const { code, stderr } = await runOracle("constructor");
    expect(code).to.equal(2);
    expect(stderr).to.include('There is no command "constructor"');
  });

  it("tells an oracle from what else answers HTTP", async () => {
    const server = createServer((_, response) => response.end("<html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await runOracle("prove", "--index", "1", "--url", url);
    server.close();
    expect(code).to.equal(1);
    requireWords(stderr, "OracleUnreachable");
  });

  it("has words for a file that cannot be written and for what nobody foresaw", () => {
    const write = () => writeFileSync(join(folder, "none", "proof.json"), "");
    try {
      write();
    } catch (error) {
      requireWords(wordsOf(error), "FileUnusable");
    }
    requireWords(wordsOf(new TypeError("x is undefined")), "InternalError");
    requireWords(wordsOf(undefined), "InternalError");
  });

  it("does not read a file that is no segment as an empty log", async () => {
    mkdirSync(join(folder, "log"));
    writeFileSync(join(folder, "log", "00000000.seg"), new Uint8Array(9_000).fill(7));
    const opening = SegmentLog.open(join(folder, "log"), { readOnly: true });
    expect(await failure(opening)).to.include({ code: "LogCorrupt" });
  });

  it("shows a hostile topic without letting it steer the terminal", () => {
    expect(printable("tenon/v1/\u001b[2J\u202eü\n/up")).to.equal("tenon/v1/\\u{1b}[2J\\u{202e}ü\\u{a}/up");
  });

  it("tells a lock that cannot be made from one that is held", () => {
    // A folder where the lock's file should be.
    mkdirSync(join(folder, "state", "oracle.lease"), { recursive: true });
    mkdirSync(join(folder, "lock"));
    const subject = {
      address: `0x${"a1".repeat(20)}`,
      chainId: 1n,
      genesisHash: `0x${"b2".repeat(32)}`,
      keyFile: join(folder, "key"),
      stateDir: join(folder, "state"),
      sharedDir: folder,
    } as const;
    expect(() => Lease.acquire(subject))
      .to.throw()
      .with.property("code", "LeaseUnusable");
    expect(() => FileLock.acquire(join(folder, "lock")))
      .to.throw()
      .with.property("code", "LockUnusable");
  });
});
