import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openState, transaction } from "../../oracle/src/state/db.js";

describe("oracle/state: database", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tenon-db-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("creates its tables once and keeps what was committed", () => {
    const path = join(dir, "deep", "state.db");
    const first = openState(path);
    transaction(first, () => first.prepare("INSERT INTO meta VALUES ('k', 1)").run());
    first.close();
    const second = openState(path);
    expect(second.prepare("SELECT value FROM meta WHERE key = 'k'").get()?.value).to.equal(1);
    expect(second.prepare("PRAGMA journal_mode").get()?.journal_mode).to.equal("wal");
    expect(second.prepare("PRAGMA synchronous").get()?.synchronous).to.equal(2);
    second.close();
  });

  it("rolls a failed transaction back whole", () => {
    const db = openState(":memory:");
    expect(() =>
      transaction(db, () => {
        db.prepare("INSERT INTO meta VALUES ('k', 1)").run();
        throw new Error("in the middle");
      }),
    ).to.throw("in the middle");
    expect(db.prepare("SELECT count(*) AS n FROM meta").get()?.n).to.equal(0);
    db.close();
  });

  it("refuses the file of another version and leaves it as it was", () => {
    const path = join(dir, "state.db");
    const db = openState(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    expect(() => openState(path))
      .to.throw()
      .with.property("code", "StateVersion");
  });
});
