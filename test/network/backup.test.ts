import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type BackupHead, readBackup, writeBackup } from "../../besu-network/backup/archive.js";
import { proveBackup, restoreNode } from "../../besu-network/backup/restore.js";
import { CHUNK_BYTES, HEADER_BYTES, seal, unseal } from "../../besu-network/backup/seal.js";
import { readTar, TAR_END, tarHeader, tarPadding } from "../../besu-network/backup/tar.js";
import { type Bundle, layout, ownNodes } from "../../besu-network/bundle/manifest.js";
import { refusal } from "../support/refusal.js";
import { put, someBundle, temporaryFolder } from "./support/bundle.js";

const passphrase = "correct horse battery staple";

async function* parts(...bytes: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* bytes;
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("network: a sealed stream", () => {
  it("gives back what was sealed, for lengths around a chunk's", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sealed");
    for (const length of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]) {
      const plain = randomBytes(length);
      writeFileSync(file, await all(seal(parts(plain.subarray(0, 1000), plain.subarray(1000)), passphrase)));
      expect(digest(await all(unseal(file, passphrase))), `${length} bytes`).to.equal(digest(plain));
    }
  });

  it("finds every kind of change: a byte, chunks swapped, left out or cut off, bytes added", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sealed");
    const plain = randomBytes(2 * CHUNK_BYTES + 100);
    const sealed = await all(seal(parts(plain), passphrase));
    const step = CHUNK_BYTES + 16;
    const [header, first, second, third] = [
      sealed.subarray(0, HEADER_BYTES),
      sealed.subarray(HEADER_BYTES, HEADER_BYTES + step),
      sealed.subarray(HEADER_BYTES + step, HEADER_BYTES + 2 * step),
      sealed.subarray(HEADER_BYTES + 2 * step),
    ];
    const flipped = (at: number) => {
      const copy = Buffer.from(sealed);
      copy[at]! ^= 1;
      return copy;
    };
    const outcomes = {
      "a bit of the first chunk": [flipped(HEADER_BYTES + 5), "BackupDamaged"],
      "a bit of the last tag": [flipped(sealed.length - 1), "BackupDamaged"],
      "a bit of the salt": [flipped(15), "PassphraseWrong"],
      "a bit of the cost": [flipped(8), "BackupUnreadable"],
      "a bit of the magic": [flipped(0), "BackupUnreadable"],
      "chunks swapped": [Buffer.concat([header, second!, first!, third!]), "BackupDamaged"],
      "a chunk left out": [Buffer.concat([header, first!, third!]), "BackupDamaged"],
      "cut between chunks": [Buffer.concat([header, first!, second!]), "BackupCut"],
      "cut inside a chunk": [sealed.subarray(0, -50), "BackupDamaged"],
      "only the header": [header, "BackupDamaged"],
      "less than the header": [sealed.subarray(0, 20), "BackupUnreadable"],
      "a byte added": [Buffer.concat([sealed, Buffer.from([0])]), "BackupDamaged"],
    } as const;
    for (const [what, [bytes, code]] of Object.entries(outcomes)) {
      writeFileSync(file, bytes);
      expect((await refusal(all(unseal(file, passphrase)))).code, what).to.equal(code);
    }
  });

  it("refuses another passphrase, and a short one when sealing", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sealed");
    writeFileSync(file, await all(seal(parts(randomBytes(10)), passphrase)));
    expect((await refusal(all(unseal(file, `${passphrase} `)))).code).to.equal("PassphraseWrong");
    expect((await refusal(all(seal(parts(), "short")))).code).to.equal("PassphraseShort");
  });

  it("never seals the same bytes the same way twice", async () => {
    const [one, two] = [await all(seal(parts(), passphrase)), await all(seal(parts(), passphrase))];
    expect(one.subarray(HEADER_BYTES).equals(two.subarray(HEADER_BYTES))).to.equal(false);
  });
});

describe("network: a tar archive", () => {
  const archive = (path: string, body: Uint8Array) =>
    Buffer.concat([
      tarHeader({ path, size: body.length, mode: 0o600 }),
      body,
      tarPadding(body.length),
      TAR_END,
    ]);

  async function read(bytes: Uint8Array) {
    const found: [string, string][] = [];
    await readTar(
      parts(bytes),
      async ({ path }, body) => void found.push([path, (await all(body)).toString()]),
    );
    return found;
  }

  it("keeps names of up to 255 bytes", async () => {
    const long = `nodes/${"a".repeat(90)}/data/${"b".repeat(90)}`;
    expect(await read(archive(long, Buffer.from("x")))).to.deep.equal([[long, "x"]]);
    expect(() => tarHeader({ path: "c".repeat(101), size: 0, mode: 0 })).to.throw("too long");
  });

  it("refuses names that leave the folder, other kinds of entry, wrong sums, and an early end", async () => {
    for (const path of ["../key", "/etc/passwd", "nodes/../../key", "nodes//key", "a\\b"]) {
      expect((await refusal(read(archive(path, Buffer.from("x"))))).code, path).to.equal("ArchiveUnfit");
    }
    const good = archive("nodes/key", Buffer.from("x"));
    const link = Buffer.from(good);
    link.write("2", 156);
    const wrong = Buffer.from(good);
    wrong[0]! ^= 1;
    for (const bytes of [link, wrong, good.subarray(0, 600), good.subarray(0, -512)]) {
      expect((await refusal(read(bytes))).code).to.equal("ArchiveUnfit");
    }
  });
});

describe("network: backup and restore", () => {
  /** A bundle with a validator and an RPC node; the validator has a database of some chunks. */
  function network(dir: string): Bundle {
    const bundle = someBundle(dir, ["validator", "rpc"]);
    const data = layout.data("validator1");
    put(dir, layout.genesis, "{}");
    put(dir, "secrets/jwt.pem", "secret", 0o600);
    put(dir, join(data, "DATABASE_METADATA.json"), "{}");
    put(dir, join(data, "database/000001.sst"), randomBytes(3 * CHUNK_BYTES + 17));
    put(dir, join(data, "database/000002.log"), "");
    put(dir, layout.log("validator1"), "noise");
    put(dir, layout.pid("validator1"), "1");
    put(dir, join(layout.data("rpc2"), "database/000001.sst"), "another node's");
    return bundle;
  }

  const head: BackupHead["head"] = { number: 42, hash: `0x${"22".repeat(32)}` };
  const backUp = (bundle: Bundle, out: string, name = "validator1") =>
    writeBackup(bundle, bundle.manifest.nodes.find((node) => node.name === name)!, { out, passphrase, head });

  /** Every file below a folder with its hash and mode. */
  function tree(dir: string): Record<string, string> {
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return Object.fromEntries(
      files.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path.slice(dir.length + 1), `${digest(readFileSync(path))} ${statSync(path).mode & 0o777}`];
      }),
    );
  }

  it("puts the whole bundle back into an empty folder: the node, its key, no other node, no log", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "old"));
    const out = join(folder.path, "validator1.backup");
    const contents = await backUp(bundle, out);
    expect(contents.head).to.deep.equal(head);
    expect(statSync(out).mode & 0o777).to.equal(0o600);
    const dir = join(folder.path, "new");
    await restoreNode({ file: out, passphrase, dir, oldNodeIsGone: true });
    const expected = tree(bundle.dir);
    for (const path of [
      layout.log("validator1"),
      layout.pid("validator1"),
      layout.nodeKey("rpc2"),
      join(layout.data("rpc2"), "database/000001.sst"),
    ]) {
      expect(expected, path).to.have.property(path);
      delete expected[path];
    }
    expect(tree(dir)).to.deep.equal(expected);
    expect(ownNodes({ ...bundle, dir }).map(({ name }) => name)).to.deep.equal(["validator1"]);
    expect(readdirSync(folder.path)).to.have.members(["old", "new", "validator1.backup"]);
  });

  it("puts only the node back into a bundle of its network, and keeps what is there", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "bundle"));
    const out = join(folder.path, "b");
    await backUp(bundle, out);
    const before = tree(bundle.dir);
    rmSync(join(bundle.dir, layout.nodeKey("validator1")));
    rmSync(join(bundle.dir, layout.data("validator1")), { recursive: true });
    put(bundle.dir, layout.genesis, "{ }");
    await restoreNode({ file: out, passphrase, dir: bundle.dir, oldNodeIsGone: true });
    const after = tree(bundle.dir);
    expect(after[layout.genesis]).not.to.equal(before[layout.genesis]);
    expect({ ...after, [layout.genesis]: "" }).to.deep.equal({ ...before, [layout.genesis]: "" });
  });

  it("writes nothing where it refuses: key or data there, another network, a living validator, a damaged file", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "bundle"));
    const out = join(folder.path, "b");
    await backUp(bundle, out);
    const other = someBundle(join(folder.path, "other"), ["validator"], `0x${"33".repeat(32)}`);
    const keyOnly = someBundle(join(folder.path, "key"), ["validator"]);
    const empty = join(folder.path, "empty");
    mkdirSync(empty);
    const noBundle = join(folder.path, "no-bundle");
    put(noBundle, "letters.txt", "mine");
    const damaged = join(folder.path, "damaged");
    const bytes = readFileSync(out);
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(damaged, bytes);
    const before = tree(folder.path);
    const cases: [string, Partial<Parameters<typeof restoreNode>[0]>][] = [
      ["RestoreOverwrites", { dir: bundle.dir }],
      ["RestoreOverwrites", { dir: keyOnly.dir }],
      ["BackupOfAnotherNetwork", { dir: other.dir }],
      ["BundleMissing", { dir: noBundle }],
      ["ValidatorMayLive", { dir: empty, oldNodeIsGone: false }],
      ["ValidatorMayLive", { dir: join(folder.path, "nowhere"), oldNodeIsGone: false }],
      ["PassphraseWrong", { dir: empty, passphrase: "another passphrase" }],
      ["BackupDamaged", { dir: empty, file: damaged }],
      ["BackupUnreadable", { dir: empty, file: join(folder.path, "absent") }],
    ];
    for (const [code, change] of cases) {
      const given = { file: out, passphrase, dir: empty, oldNodeIsGone: true, ...change };
      expect((await refusal(restoreNode(given))).code).to.equal(code);
      expect(tree(folder.path), code).to.deep.equal(before);
    }
    expect(existsSync(join(folder.path, "nowhere"))).to.equal(false);
    expect(readdirSync(empty)).to.deep.equal([]);
  });

  it("asks for no word about an RPC node: two of them do no harm", async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "b");
    await backUp(network(join(folder.path, "bundle")), out, "rpc2");
    const dir = join(folder.path, "new");
    await restoreNode({ file: out, passphrase, dir, oldNodeIsGone: false });
    expect(existsSync(join(dir, layout.nodeKey("rpc2")))).to.equal(true);
  });

  it("proves a backup by restoring it into a folder that is gone afterwards", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "bundle"));
    const out = join(folder.path, "b");
    await backUp(bundle, out);
    let seen = "";
    const contents = await proveBackup(out, passphrase, async (copy) => {
      seen = copy.dir;
      const database = join(layout.data("validator1"), "database/000001.sst");
      expect(tree(copy.dir)[database]).to.equal(tree(bundle.dir)[database]);
    });
    expect(contents.files.length).to.be.greaterThan(4);
    expect(existsSync(seen)).to.equal(false);
  });

  it("finds a key that is not the node's", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "bundle"));
    put(
      bundle.dir,
      layout.nodeKey("validator1"),
      readFileSync(join(bundle.dir, layout.nodeKey("rpc2"))),
      0o600,
    );
    const out = join(folder.path, "b");
    await backUp(bundle, out);
    expect((await refusal(proveBackup(out, passphrase))).code).to.equal("BackupContradicts");
  });

  it("does not replace a file, write into the bundle, or leave a part behind when a file changes meanwhile", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "bundle"));
    const out = join(folder.path, "b");
    put(folder.path, "b", "precious");
    expect((await refusal(backUp(bundle, out))).code).to.equal("BackupExists");
    expect((await refusal(backUp(bundle, join(bundle.dir, "b")))).code).to.equal("BackupInBundle");
    expect((await refusal(backUp(bundle, join(folder.path, "no", "b")))).code).to.equal(
      "BackupFolderMissing",
    );
    expect(readFileSync(out, "utf8")).to.equal("precious");
    const node = bundle.manifest.nodes[0]!;
    const database = join(bundle.dir, layout.data(node.name), "database/000001.sst");
    const target = join(folder.path, "c");
    const growing = writeBackup(bundle, node, {
      out: target,
      passphrase,
      head,
      progress: () => writeFileSync(database, "x", { flag: "a" }),
    });
    expect((await refusal(growing)).code).to.equal("NodeRuns");
    const stop = new AbortController();
    const interrupted = writeBackup(bundle, node, {
      out: target,
      passphrase,
      head,
      progress: () => stop.abort(),
      signal: stop.signal,
    });
    expect((await refusal(interrupted)).code).to.equal("BackupInterrupted");
    expect(readdirSync(folder.path)).to.have.members(["bundle", "b"]);
  });

  it("lists every file with its hash", async () => {
    using folder = temporaryFolder();
    const bundle = network(join(folder.path, "bundle"));
    const out = join(folder.path, "b");
    await backUp(bundle, out);
    const { files } = await readBackup(out, passphrase);
    for (const { path, size, sha256 } of files) {
      const bytes = readFileSync(join(bundle.dir, path));
      expect([size, sha256], path).to.deep.equal([bytes.length, `0x${digest(bytes)}`]);
    }
  });
});
