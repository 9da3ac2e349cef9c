/**
 * Writes sdk/vectors/*.json, the test vectors of docs/frame.md, from fixed test keys.
 * ECDSA draws a random number for each signature, so a signature already in the files is kept when what it signs is unchanged:
 * running this again changes nothing.
 *
 *   npx tsx scripts/generate-vectors.ts
 */
import { execFileSync } from "node:child_process";
import { createECDH, createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { concatBytes, fromHex, type Hex, toHex } from "../sdk/src/bytes.js";
import {
  algorithmOf,
  type DeviceKey,
  decodeFrame,
  deviceIdOf,
  encodeFrame,
  encodeReceipt,
  encodeSenml,
  exportDeviceKey,
  type FrameHeader,
  frameAad,
  frameHash,
  meterPayload,
  type Receipt,
  readMeter,
  receiptAad,
  signerOf,
  toBeSigned,
} from "../sdk/src/frame/index.js";
import { type DeviceHead, encodeHead, headsTree } from "../sdk/src/proof/heads.js";
import { leafHash, MerkleTree, sizedRoot } from "../sdk/src/proof/merkle.js";
import { encodeReject, rejectsTree } from "../sdk/src/proof/rejects.js";
import { invalidFrames, notMeterPayloads } from "./vectors/invalid.js";

const FOLDER = fileURLToPath(new URL("../sdk/vectors/", import.meta.url));
const DOMAIN = { chainId: 31337n, registry: "0x5fbdb2315678afecb367f032d93f642f64180aa3" };
const ZEROS = new Uint8Array(32);

interface TestKey {
  name: string;
  privateKey: KeyObject;
  secret: Hex;
  key: DeviceKey;
}

function testKey(name: string, curve: "P-256" | "secp256k1"): TestKey {
  const secret = createHash("sha256").update(`tenon test key ${name}, never use`).digest();
  const pair = createECDH(curve === "P-256" ? "prime256v1" : curve);
  pair.setPrivateKey(secret);
  const point = pair.getPublicKey();
  const [x, y, d] = [point.subarray(1, 33), point.subarray(33), secret].map((part) =>
    part.toString("base64url"),
  );
  const privateKey = createPrivateKey({ key: { kty: "EC", crv: curve, x: x!, y: y!, d: d! }, format: "jwk" });
  return { name, privateKey, secret: toHex(secret), key: exportDeviceKey(privateKey) };
}

/** Signatures already committed, by what they sign. */
const kept = new Map<string, Hex>();
for (const file of ["frames.json", "receipts.json"]) {
  if (!existsSync(FOLDER + file)) continue;
  const { valid } = JSON.parse(readFileSync(FOLDER + file, "utf8")) as {
    valid: { key: string; toBeSigned: Hex; signature: Hex }[];
  };
  for (const vector of valid) kept.set(vector.key + vector.toBeSigned, vector.signature);
}

function keepingSigner({ name, privateKey }: TestKey): (message: Uint8Array) => Uint8Array {
  return (message) => {
    const known = kept.get(name + toHex(message));
    return known === undefined ? signerOf(privateKey)(message) : fromHex(known);
  };
}

const p256 = testKey("device P-256", "P-256");
const k256 = testKey("device secp256k1", "secp256k1");
const oracle = testKey("receipts P-256", "P-256");
const aad = frameAad(DOMAIN);

function header(signer: TestKey, fields: Partial<FrameHeader>): FrameHeader {
  return {
    algorithm: algorithmOf(signer.key),
    contentType: 112,
    device: deviceIdOf(signer.key),
    epoch: 1,
    seq: 1n,
    prev: ZEROS,
    time: 1_767_225_600_000n,
    clock: "synced",
    uptime: 4_000n,
    beacon: null,
    ...fields,
  };
}

const tenReadings = encodeSenml(
  Array.from({ length: 10 }, (_, i) => ({
    ...(i === 0
      ? { name: "spindle/temp", unit: "Cel", baseTime: 1_767_225_601n }
      : { name: "spindle/temp", time: BigInt(i) }),
    value: 61.5 + i * 0.25 + (i === 7 ? 0.1 : 0),
  })),
);
const everyField = encodeSenml([
  {
    baseVersion: 10,
    baseName: "press:",
    baseTime: 1_767_225_600n,
    baseUnit: "Cel",
    baseValue: 20n,
    name: "t1",
    value: 1.5,
  },
  { name: "count", unit: "1", value: -12n },
  { name: "door", flag: true },
  { name: "mode", text: "Rüsten" },
  { name: "total", unit: "J", sum: 1e300, updateTime: 60n },
  { name: "raw", data: Uint8Array.of(0xde, 0xad) },
]);
const commitment = createHash("sha256").update("a salted commitment").digest();

interface ValidFrame {
  name: string;
  key: TestKey;
  header: FrameHeader;
  payload: Uint8Array;
}

/** The frames of the P-256 device are one chain: each `prev` is the frame before. */
function validFrames(): ValidFrame[] {
  const chain: ValidFrame[] = [];
  const next = (name: string, payload: Uint8Array, fields: Partial<FrameHeader>) => {
    const last = chain.at(-1);
    const prev = last === undefined ? ZEROS : hashOf(last);
    chain.push({
      name,
      key: p256,
      header: header(p256, { seq: BigInt(chain.length + 1), prev, ...fields }),
      payload,
    });
  };
  next("telemetry: ten readings, first frame of the device", tenReadings, {});
  const meter = { name: "energy", unit: "Wh", value: 1_234_567n, time: 1_767_225_660n };
  next("meter frame", meterPayload(meter), { time: 1_767_225_660_000n, uptime: 64_000n });
  const beacon = { batch: 7_000, root8: fromHex("0x0123456789abcdef") };
  next("opaque payload, with a beacon", commitment, { contentType: 42, uptime: 65_000n, beacon });
  next("every SenML field; clock unset", everyField, { time: 0n, clock: "unset", uptime: 70_000n });
  next("first frame of epoch 2: linked to the last known head", tenReadings, {
    epoch: 2,
    seq: 1n,
    uptime: 500n,
  });
  const large = { epoch: 4_294_967_295, seq: 2n ** 63n - 1n, time: 2n ** 63n - 1n, uptime: 2n ** 63n - 1n };
  const far = { batch: 4_294_967_295, root8: fromHex("0xffffffffffffffff") };
  next(
    "largest values of every field",
    meterPayload({ ...meter, value: -(2n ** 63n), time: 2n ** 63n - 1n }),
    {
      ...large,
      clock: "free-running",
      beacon: far,
    },
  );
  const other = header(k256, {});
  return [
    ...chain,
    { name: "secp256k1: meter frame", key: k256, header: other, payload: meterPayload(meter) },
  ];
}

function hashOf(frame: ValidFrame): Uint8Array {
  return frameHash(decodeFrame(encodeFrame(frame.header, frame.payload, aad, keepingSigner(frame.key))), aad);
}

function describeFrame(vector: ValidFrame) {
  const bytes = encodeFrame(vector.header, vector.payload, aad, keepingSigner(vector.key));
  const frame = decodeFrame(bytes);
  const isMeter = vector.name.includes("meter") || vector.name.includes("largest");
  return {
    name: vector.name,
    key: vector.key.name,
    frame: toHex(bytes),
    header: vector.header,
    readings: frame.readings,
    ...(isMeter ? { meter: readMeter(frame) } : {}),
    protected: toHex(frame.protectedBytes),
    payload: toHex(frame.payload),
    signature: toHex(frame.signature),
    toBeSigned: toHex(toBeSigned(frame, aad)),
    frameHash: toHex(frameHash(frame, aad)),
    leafHash: toHex(leafHash(bytes)),
  };
}

function publicTestKey({ name, secret, key }: TestKey) {
  return { name, curve: key.curve, secret, x: key.x, y: key.y, id: deviceIdOf(key) };
}

function framesFile() {
  const frames = validFrames();
  const valid = frames.map(describeFrame);
  const base = decodeFrame(fromHex(valid[0]!.frame));
  const notMeter = notMeterPayloads().map(({ name, payload }, i) => {
    const head = header(p256, { seq: BigInt(i + 1) });
    return {
      name,
      frame: toHex(encodeFrame(head, payload, aad, signerOf(p256.privateKey))),
      error: "FrameNotMeter",
    };
  });
  const flipped = concatBytes(base.bytes.subarray(0, -1), Uint8Array.of(base.bytes.at(-1)! ^ 1));
  const otherAad = frameAad({ ...DOMAIN, chainId: 1n });
  const elsewhere = encodeFrame(base.header, base.payload, otherAad, signerOf(p256.privateKey));
  return {
    about:
      "Test vectors of docs/frame.md, written by scripts/generate-vectors.ts. The keys are for tests only.",
    domain: DOMAIN,
    aad: toHex(aad),
    keys: [p256, k256].map(publicTestKey),
    valid,
    invalid: invalidFrames(base),
    notMeter: keepOld("notMeter", notMeter),
    badSignature: keepOld("badSignature", [
      { name: "one bit of s flipped", key: p256.name, frame: toHex(flipped) },
      { name: "signed for another chain", key: p256.name, frame: toHex(elsewhere) },
      { name: "made by another key than the device's", key: k256.name, frame: valid[0]!.frame },
    ]),
  };
}

/** Keeps committed entries whose unsigned bytes are the same as before. */
function keepOld<T extends { name: string; frame: Hex }>(list: string, fresh: T[]): T[] {
  if (!existsSync(`${FOLDER}frames.json`)) return fresh;
  const old = (JSON.parse(readFileSync(`${FOLDER}frames.json`, "utf8")) as Record<string, T[]>)[list] ?? [];
  const unsigned = (one: T) => one.name + one.frame.slice(0, -128);
  return fresh.map((one) => old.find((other) => unsigned(other) === unsigned(one)) ?? one);
}

/** The entries of the Certificate Transparency reference tests, so that the roots can be compared with other implementations. */
const CT_ENTRIES = [
  "0x",
  "0x00",
  "0x10",
  "0x2021",
  "0x3031",
  "0x40414243",
  "0x5051525354555657",
  "0x606162636465666768696a6b6c6d6e6f",
];

function treesFile() {
  const leaves = CT_ENTRIES.map((entry) => leafHash(fromHex(entry)));
  const trees = Array.from({ length: leaves.length + 1 }, (_, size) => {
    const tree = new MerkleTree(leaves.slice(0, size));
    const paths = Array.from({ length: size }, (_, index) => tree.path(index).map(toHex));
    return { size, root: toHex(tree.root), sizedRoot: toHex(sizedRoot(tree.root, size)), paths };
  });
  const heads: DeviceHead[] = [p256, k256].map((one, i) => ({
    device: deviceIdOf(one.key),
    epoch: 1 + i,
    contiguous: 10n ** BigInt(3 * i + 3),
    hash: createHash("sha256").update(one.name).digest(),
    highest: 10n ** BigInt(3 * i + 3) + BigInt(i),
  }));
  const raw = Buffer.from("junk");
  const reject = {
    index: 0n,
    receivedAt: 1_767_225_600_000n,
    reason: "unknown-device",
    source: `tenon/v1/${"00".repeat(32)}/up/telemetry`,
    length: raw.length,
    hash: createHash("sha256").update(raw).digest(),
  };
  return {
    about: "RFC 9162 trees, SHA-256; written by scripts/generate-vectors.ts.",
    entries: CT_ENTRIES,
    leafHashes: leaves.map(toHex),
    trees,
    heads: {
      heads,
      entries: heads.map((head) => toHex(encodeHead(head))),
      root: toHex(headsTree(heads).root),
    },
    rejects: {
      rejects: [reject],
      entries: [toHex(encodeReject(reject))],
      root: toHex(rejectsTree([encodeReject(reject)]).root),
    },
  };
}

function receiptsFile() {
  const receipt: Receipt = {
    device: deviceIdOf(p256.key),
    epoch: 1,
    seqUpTo: 4n,
    headHash: hashOf(validFrames()[3]!),
    logIndex: 1_000_003n,
    receivedAt: 1_767_225_671_234n,
  };
  const receiptsAad = receiptAad(DOMAIN);
  let message = new Uint8Array();
  const sign = keepingSigner(oracle);
  const bytes = encodeReceipt(receipt, receiptsAad, (toSign) => {
    message = new Uint8Array(toSign);
    return sign(toSign);
  });
  const hex = toHex(bytes);
  return {
    about: "Receipts of docs/frame.md; written by scripts/generate-vectors.ts. The key is for tests only.",
    domain: DOMAIN,
    aad: toHex(receiptsAad),
    keys: [publicTestKey(oracle)],
    valid: [
      {
        name: "receipt",
        key: oracle.name,
        receipt,
        bytes: hex,
        toBeSigned: toHex(message),
        signature: toHex(bytes.subarray(-64)),
      },
    ],
    invalid: [
      { name: "a trailing byte", bytes: `${hex}00`, error: "FrameTrailingBytes" },
      { name: "cut short", bytes: hex.slice(0, -2), error: "FrameTruncated" },
      {
        name: "signature changed",
        bytes: hex.slice(0, -2) + (hex.endsWith("00") ? "01" : "00"),
        error: "ReceiptSignatureInvalid",
      },
      {
        name: "algorithm ES384",
        bytes: hex.replace("43a10126", "44a1013822"),
        error: "FrameAlgorithmUnsupported",
      },
    ],
  };
}

function write(file: string, content: object): void {
  const plain = (_: string, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value instanceof Uint8Array ? toHex(value) : value;
  // Buffers have a toJSON of their own, which would come first: `plain` must see the bytes.
  const text = JSON.stringify(content, (key, value) => plain(key, revive(value)), 2);
  writeFileSync(FOLDER + file, `${text}\n`);
}

function revive(value: unknown): unknown {
  const json = value as { type?: string; data?: number[] } | null;
  return json?.type === "Buffer" && Array.isArray(json.data) ? Uint8Array.from(json.data) : value;
}

mkdirSync(FOLDER, { recursive: true });
// All contents first: keepOld and the kept signatures read the files that are written here.
const files = { "frames.json": framesFile(), "trees.json": treesFile(), "receipts.json": receiptsFile() };
for (const [file, content] of Object.entries(files)) write(file, content);
execFileSync("npx", ["biome", "format", "--write", FOLDER], { stdio: ["ignore", "ignore", "inherit"] });
