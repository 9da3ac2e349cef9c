import { readFileSync } from "node:fs";
import { expect } from "chai";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import {
  type Clock,
  type DeviceKey,
  decodeFrame,
  deviceIdOf,
  encodeProtected,
  FRAME_ERROR_CODES,
  type FrameHeader,
  frameAad,
  frameHash,
  readMeter,
  receiptAad,
  toBeSigned,
  verifyFrame,
  verifyReceipt,
} from "../../sdk/src/frame/index.js";
import { type DeviceHead, decodeHead, encodeHead, headsTree } from "../../sdk/src/proof/heads.js";
import { leafHash, MerkleTree, sizedRoot, verifyInclusion } from "../../sdk/src/proof/merkle.js";
import { encodeReject, rejectsTree } from "../../sdk/src/proof/rejects.js";

interface Key {
  name: string;
  curve: DeviceKey["curve"];
  x: Hex;
  y: Hex;
  id: Hex;
}

interface ValidFrame {
  name: string;
  key: string;
  frame: Hex;
  header: Record<string, unknown> & { beacon: { batch: number; root8: Hex } | null };
  meter?: { name: string; unit: string; value: string; time: string };
  readings: number;
  protected: Hex;
  payload: Hex;
  signature: Hex;
  toBeSigned: Hex;
  frameHash: Hex;
  leafHash: Hex;
}

interface Listed {
  name: string;
  frame: Hex;
  error: string;
  key: string;
}

interface Domain {
  chainId: string;
  registry: string;
}

interface FramesFile {
  domain: Domain;
  aad: Hex;
  keys: Key[];
  valid: ValidFrame[];
  invalid: Listed[];
  notMeter: Listed[];
  badSignature: Listed[];
}

function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../sdk/vectors/${name}`, import.meta.url), "utf8")) as T;
}

function domainOf({ chainId, registry }: Domain) {
  return { chainId: BigInt(chainId), registry };
}

function headerOf({ header }: ValidFrame): FrameHeader {
  const { beacon } = header;
  return {
    algorithm: header.algorithm as -7,
    contentType: header.contentType as 112,
    device: header.device as Hex,
    epoch: header.epoch as number,
    seq: BigInt(header.seq as string),
    prev: fromHex(header.prev as Hex),
    time: BigInt(header.time as string),
    clock: header.clock as Clock,
    uptime: BigInt(header.uptime as string),
    beacon: beacon === null ? null : { batch: beacon.batch, root8: fromHex(beacon.root8) },
  };
}

describe("sdk/vectors/frames.json", () => {
  const file = load<FramesFile>("frames.json");
  const aad = frameAad(domainOf(file.domain));
  const keyNamed = (name: string) => {
    const { curve, x, y } = file.keys.find((key) => key.name === name)!;
    return { curve, x, y };
  };

  it("gives the AAD and the device ids", () => {
    expect(toHex(aad)).to.equal(file.aad);
    for (const key of file.keys) expect(deviceIdOf(key)).to.equal(key.id);
  });

  for (const vector of file.valid) {
    it(`accepts ${vector.name}`, () => {
      const frame = decodeFrame(fromHex(vector.frame));
      expect(frame.header).to.deep.equal(headerOf(vector));
      expect(frame.readings).to.equal(vector.readings);
      expect(toHex(encodeProtected(headerOf(vector)))).to.equal(vector.protected);
      expect(toHex(frame.payload)).to.equal(vector.payload);
      expect(toHex(frame.signature)).to.equal(vector.signature);
      expect(toHex(toBeSigned(frame, aad))).to.equal(vector.toBeSigned);
      expect(toHex(frameHash(frame, aad))).to.equal(vector.frameHash);
      expect(toHex(leafHash(frame.bytes))).to.equal(vector.leafHash);
      expect(verifyFrame(frame, aad, keyNamed(vector.key))).to.equal(true);
      if (vector.meter === undefined) return;
      const { value, time, ...names } = vector.meter;
      expect(readMeter(frame)).to.deep.equal({ ...names, value: BigInt(value), time: BigInt(time) });
    });
  }

  for (const { name, frame, error } of file.invalid) {
    it(`refuses ${name}: ${error}`, () => {
      expect(() => decodeFrame(fromHex(frame)))
        .to.throw()
        .with.property("code", error);
    });
  }

  it("refuses a frame of 65,536 bytes before it reads any of it", () => {
    expect(() => decodeFrame(new Uint8Array(65_536)))
      .to.throw()
      .with.property("code", "FrameTooLarge");
  });

  it("has a vector for every other error code of decodeFrame", () => {
    const covered = new Set(file.invalid.map(({ error }) => error));
    const others = FRAME_ERROR_CODES.filter((code) => code !== "FrameTooLarge" && code !== "FrameNotMeter");
    expect([...covered].sort()).to.deep.equal([...others].sort());
  });

  for (const { name, frame, error } of file.notMeter) {
    it(`does not read as a meter: ${name}`, () => {
      const decoded = decodeFrame(fromHex(frame));
      expect(() => readMeter(decoded))
        .to.throw()
        .with.property("code", error);
    });
  }

  it("does not read an opaque frame as a meter", () => {
    const opaque = file.valid.find(({ header }) => header.contentType === 42)!;
    const decoded = decodeFrame(fromHex(opaque.frame));
    expect(decoded.readings).to.equal(0);
    expect(() => readMeter(decoded))
      .to.throw()
      .with.property("code", "FrameNotMeter");
  });

  for (const { name, frame, key } of file.badSignature) {
    it(`does not verify: ${name}`, () => {
      expect(verifyFrame(decodeFrame(fromHex(frame)), aad, keyNamed(key))).to.equal(false);
    });
  }
});

describe("sdk/vectors/receipts.json", () => {
  interface ReceiptsFile {
    domain: Domain;
    aad: Hex;
    keys: Key[];
    valid: { bytes: Hex; receipt: Record<string, string> & { epoch: number } }[];
    invalid: { name: string; bytes: Hex; error: string }[];
  }
  const file = load<ReceiptsFile>("receipts.json");
  const aad = receiptAad(domainOf(file.domain));
  const { curve, x, y } = file.keys[0]!;
  const key = { curve, x, y };

  it("accepts the receipt", () => {
    expect(toHex(aad)).to.equal(file.aad);
    const { bytes, receipt } = file.valid[0]!;
    expect(verifyReceipt(fromHex(bytes), aad, key)).to.deep.equal({
      device: receipt.device,
      epoch: receipt.epoch,
      seqUpTo: BigInt(receipt.seqUpTo!),
      headHash: fromHex(receipt.headHash!),
      logIndex: BigInt(receipt.logIndex!),
      receivedAt: BigInt(receipt.receivedAt!),
    });
  });

  it("does not take a frame's AAD for a receipt's", () => {
    const other = frameAad(domainOf(file.domain));
    expect(() => verifyReceipt(fromHex(file.valid[0]!.bytes), other, key))
      .to.throw()
      .with.property("code", "ReceiptSignatureInvalid");
  });

  for (const { name, bytes, error } of file.invalid) {
    it(`refuses ${name}: ${error}`, () => {
      expect(() => verifyReceipt(fromHex(bytes), aad, key))
        .to.throw()
        .with.property("code", error);
    });
  }
});

describe("sdk/vectors/trees.json", () => {
  interface TreesFile {
    entries: Hex[];
    leafHashes: Hex[];
    trees: { size: number; root: Hex; sizedRoot: Hex; paths: Hex[][] }[];
    heads: { heads: Record<string, never>[]; entries: Hex[]; root: Hex };
    rejects: { rejects: Record<string, never>[]; entries: Hex[]; root: Hex };
  }
  const file = load<TreesFile>("trees.json");
  const leaves = file.entries.map((entry) => leafHash(fromHex(entry)));

  it("gives the leaf hashes", () => {
    expect(leaves.map(toHex)).to.deep.equal(file.leafHashes);
  });

  for (const { size, root, sizedRoot: sized, paths } of file.trees) {
    it(`builds and proves the tree of ${size}`, () => {
      const tree = new MerkleTree(leaves.slice(0, size));
      expect(toHex(tree.root)).to.equal(root);
      expect(toHex(sizedRoot(tree.root, size))).to.equal(sized);
      paths.forEach((path, index) => {
        expect(tree.path(index).map(toHex)).to.deep.equal(path);
        const claim = {
          leaf: leaves[index]!,
          index,
          size,
          path: path.map((node) => fromHex(node)),
          root: tree.root,
        };
        expect(verifyInclusion(claim)).to.equal(true);
      });
    });
  }

  it("encodes heads and gives their root", () => {
    const heads = file.heads.heads.map((head): DeviceHead => {
      const { device, epoch, contiguous, hash, highest } = head as Record<string, Hex & number>;
      return {
        device: device!,
        epoch: epoch!,
        contiguous: BigInt(contiguous!),
        hash: fromHex(hash!),
        highest: BigInt(highest!),
      };
    });
    expect(heads.map((head) => toHex(encodeHead(head)))).to.deep.equal(file.heads.entries);
    expect(file.heads.entries.map((entry) => decodeHead(fromHex(entry)))).to.deep.equal(heads);
    expect(toHex(headsTree(heads).root)).to.equal(file.heads.root);
    expect(toHex(headsTree([...heads].reverse()).root)).to.equal(file.heads.root);
    expect(() => headsTree([heads[0]!, heads[0]!]))
      .to.throw()
      .with.property("code", "HeadInvalid");
  });

  it("encodes rejects and gives their root", () => {
    const entries = file.rejects.rejects.map((reject) => {
      const { index, receivedAt, reason, source, length, hash } = reject as Record<
        string,
        string & number & Hex
      >;
      return encodeReject({
        index: BigInt(index!),
        receivedAt: BigInt(receivedAt!),
        reason: reason!,
        source: source!,
        length: length!,
        hash: fromHex(hash!),
      });
    });
    expect(entries.map(toHex)).to.deep.equal(file.rejects.entries);
    expect(toHex(rejectsTree(entries).root)).to.equal(file.rejects.root);
  });
});
