import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { toHex } from "../../sdk/src/bytes.js";
import { Device, DeviceSigner, loadKey, saveKey } from "../../sdk/src/device/index.js";
import { decodeFrame, type Frame, frameHash } from "../../sdk/src/frame/index.js";
import { aad, domain, ReceiptSigner, seeded, temporaryFolder, testSeed } from "./support.js";

const WRITER = fileURLToPath(new URL("./journal-writer.ts", import.meta.url));
const ROUNDS = 8;

describe("device journal under kill -9", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const seed = testSeed();
  const random = seeded(seed);
  const dir = join(folder.path, "journal");
  const keyFile = join(folder.path, "device.pem");
  const oracleFile = join(folder.path, "oracle.pem");
  const oracle = new ReceiptSigner();

  /** Frames the child could have sent, in the order it printed them. */
  const sent: Uint8Array[] = [];
  let receipted = 0;

  async function writeUntilKilled(tag: string): Promise<void> {
    const args = ["--import", "tsx", WRITER, keyFile, dir, oracleFile, tag];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      collect(child, resolve);
    });
  }

  function collect(child: ChildProcess, done: () => void): void {
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (line === "ready") setTimeout(() => child.kill("SIGKILL"), random(250));
        else if (line !== "") sent.push(new Uint8Array(Buffer.from(line.slice(2), "hex")));
      }
      if (sent.length > receipted && random(3) === 0 && child.connected) {
        receipted = sent.length;
        // The child may be dead already: then the receipt is lost, as on a broken line.
        child.send(Buffer.from(oracle.receipt(sent.at(-1)!)).toString("hex"), () => undefined);
      }
    });
    child.once("close", done);
  }

  it(`uses no number twice and loses no frame without a receipt (seed ${seed})`, async () => {
    saveKey(keyFile, DeviceSigner.generate());
    saveKey(oracleFile, oracle.signer);
    const known = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round++) {
      await writeUntilKilled(`round-${round}`);
      const device = Device.open({
        signer: loadKey(keyFile),
        domain,
        receiptKey: oracle.signer.key,
        journal: { dir, segmentBytes: 4096 },
      });
      expect(device.journal.next().epoch, "a torn tail costs no epoch").to.equal(1);
      expect(device.journal.recovery.setAside).to.deep.equal([]);
      checkJournal(device, known);
      device.close();
    }
    expect(sent.length, "the children wrote something").to.be.greaterThan(ROUNDS);
    expect(receipted, "receipts trimmed in between").to.be.greaterThan(0);
  });

  function checkJournal(device: Device, known: Map<string, string>): void {
    const kept = new Set<string>();
    for (let at = device.journal.pendingFrom(0); at !== undefined; at = device.journal.pendingFrom(at + 1)) {
      const { bytes, epoch, seq } = device.journal.read(at);
      kept.add(toHex(bytes));
      remember(known, epoch, seq, bytes);
    }
    let previous: Frame | undefined;
    for (const frame of sent.map(decodeFrame)) {
      remember(known, 1, frame.header.seq, frame.bytes);
      // The child may have been killed between writing a frame and printing it.
      if (previous !== undefined && previous.header.seq + 1n === frame.header.seq) {
        expect(toHex(frame.header.prev)).to.equal(toHex(frameHash(previous, aad)));
      }
      previous = frame;
    }
    for (const bytes of sent.slice(receipted))
      expect(kept.has(toHex(bytes)), "un-receipted frame kept").to.equal(true);
    const last = sent.at(-1);
    if (last !== undefined) expect(device.journal.next().seq > decodeFrame(last).header.seq).to.equal(true);
  }

  function remember(known: Map<string, string>, epoch: number, seq: bigint, bytes: Uint8Array): void {
    const number = `${epoch}/${seq}`;
    expect(known.get(number) ?? toHex(bytes), `frame ${number}`).to.equal(toHex(bytes));
    known.set(number, toHex(bytes));
  }
});
