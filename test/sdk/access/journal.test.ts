import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  type AccessEntry,
  AccessJournal,
  batchOf,
  decodeEntry,
  encodeEntry,
  readJournal,
} from "../../../sdk/src/access/index.js";
import { fromHex, type Hex, toHex } from "../../../sdk/src/bytes.js";
import { leafHash, verifyInclusion } from "../../../sdk/src/proof/merkle.js";
import { Random, testSeed } from "../../support/random.js";
import { codeOf } from "../../support/refusal.js";

const hash = (byte: number) => toHex(new Uint8Array(32).fill(byte));

function entry(change: Partial<AccessEntry> = {}): AccessEntry {
  const base = {
    time: 1_900_000_000,
    device: hash(1),
    grantee: hash(2),
    epoch: 1,
    permissions: 3n,
    reason: 0,
  };
  return { ...base, subject: hash(3), request: hash(4), ...change };
}

describe("the journal of accesses", () => {
  let dir: string;
  let path: string;
  let journal: AccessJournal;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tenon-journal-"));
    path = join(dir, "access.log");
    journal = AccessJournal.open(path);
  });
  afterEach(() => {
    journal.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const write = (count: number) => {
    for (let i = 0; i < count; i++) journal.append(entry({ time: 1_900_000_000 + i, reason: i % 3 }));
  };

  it("keeps entries in order over a restart, and gives each run of them one head and one root", () => {
    write(5);
    const first = journal.batch(0, 2);
    journal.close();
    journal = AccessJournal.open(path);
    expect(journal.entries()).to.have.length(5);
    expect(journal.entries(1, 1)).to.deep.equal([entry({ time: 1_900_000_001, reason: 1 })]);
    expect(journal.batch(0, 2)).to.deep.equal(first);
    const second = journal.batch(3);
    expect([second.from, second.to, second.head]).to.deep.equal([3, 4, journal.head]);
    const { entries } = readJournal(path);
    expect(batchOf(entries.slice(3), 3, first.head), "from the head before it").to.deep.equal(second);
    expect(codeOf(() => journal.batch(5))).to.equal("AccessBatchEmpty");
  });

  it("shows one access under an anchored root without the others", () => {
    write(9);
    const batch = journal.batch(2);
    const { entry: bytes, index, size, path: proof } = journal.prove(6, batch);
    const shown = { leaf: leafHash(bytes), index, size, path: proof, root: fromHex(batch.root) };
    expect(verifyInclusion(shown)).to.equal(true);
    const other = encodeEntry({ ...decodeEntry(bytes), reason: 21 });
    expect(verifyInclusion({ ...shown, leaf: leafHash(other) })).to.equal(false);
  });

  it("cuts a torn tail, of which nobody was told, and refuses any other change", () => {
    write(3);
    const whole = readFileSync(path);
    journal.close();
    appendFileSync(path, whole.subarray(0, 50));
    journal = AccessJournal.open(path);
    expect(journal.length).to.equal(3);
    expect(readFileSync(path)).to.deep.equal(whole);
    write(1);
    journal.close();
    const later = readFileSync(path);
    later[10] = later[10]! ^ 1;
    writeFileSync(path, later);
    expect(codeOf(() => AccessJournal.open(path))).to.equal("AccessJournalDamaged");
    writeFileSync(path, whole);
    journal = AccessJournal.open(path);
  });

  it("belongs to one process", () => {
    expect(codeOf(() => AccessJournal.open(path))).to.equal("FileLocked");
  });

  const seed = testSeed();
  it(`reads back what it wrote, and no other bytes (seed ${seed})`, () => {
    const random = new Random(seed);
    for (let i = 0; i < 500; i++) {
      const written = entry({
        time: Number(random.uint(40)),
        permissions: random.uint(48),
        reason: random.below(24),
        epoch: Number(random.uint(32)),
        subject: toHex(random.bytes(32)) as Hex,
      });
      const bytes = encodeEntry(written);
      expect(decodeEntry(bytes)).to.deep.equal(written);
      const at = random.below(bytes.length);
      const cut = bytes.slice(0, at);
      expect(codeOf(() => decodeEntry(cut))).to.equal("AccessMessageMalformed");
      const changed = new Uint8Array(bytes);
      changed[at] = changed[at]! ^ (1 + random.below(255));
      // Another entry, or none; never the same.
      if (codeOf(() => decodeEntry(changed)) === undefined)
        expect(decodeEntry(changed)).to.not.deep.equal(written);
    }
  });
});
