import { type Hex, toHex } from "../../sdk/src/bytes.js";
import { CborWriter, Major } from "../../sdk/src/frame/cbor.js";
import { encodeSenml, type Frame, type FrameErrorCode } from "../../sdk/src/frame/index.js";

export interface InvalidFrame {
  name: string;
  frame: Hex;
  error: FrameErrorCode;
}

/** Hex text without prefix: what the edits below are done on. */
type Raw = string;

const raw = (bytes: Uint8Array): Raw => toHex(bytes).slice(2);
const unraw = (hex: Raw): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const byteString = (content: Raw): Raw => raw(new CborWriter().bytes(unraw(content)).finish());
const head = (major: number, argument: number): Raw => raw(new CborWriter().head(major, argument).finish());

/** Replaces exactly one occurrence, so that an edit which misses its place fails at once. */
function edit(hex: Raw, from: Raw, to: Raw): Raw {
  const parts = hex.split(from);
  if (parts.length < 2) throw new Error(`nothing to edit: ${from}`);
  return parts[0] + to + parts.slice(1).join(from);
}

/** Frames that must be refused, each made by one edit of a valid telemetry frame with ten readings and no beacon. */
export function invalidFrames(base: Frame): InvalidFrame[] {
  const head0 = raw(base.protectedBytes);
  const pack = raw(base.payload);
  const signature = `5840${raw(base.signature)}`;
  const whole = raw(base.bytes);
  const kid = `5820${base.header.device.slice(2)}`;
  // v, ep, seq, prev, t, tq, up, beacon: the array's content after its head 88.
  const prev = `5820${"00".repeat(32)}`;
  const time = `1b${base.header.time.toString(16).padStart(16, "0")}`;
  const tail = `${time}02190fa0f6`;

  const assemble = (header: Raw, payload: Raw) =>
    `d284${byteString(header)}a0${byteString(payload)}${signature}`;
  const withHeader = (from: Raw, to: Raw) => assemble(edit(head0, from, to), pack);
  const withFields = (fields: Raw) => assemble(edit(head0, `88010101${prev}${tail}`, `88${fields}`), pack);
  const withRecord = (record: Raw) => assemble(head0, `81${record}`);
  const text = (length: number) => head(Major.text, length) + "61".repeat(length);

  const cases: [FrameErrorCode, string, Raw][] = [
    ["FrameTruncated", "no bytes", ""],
    ["FrameTruncated", "the last byte missing", whole.slice(0, -2)],
    ["FrameTruncated", "only the tag and the array", "d284"],
    ["FrameTruncated", "a payload that claims 2^64−1 bytes", `d284${byteString(head0)}a05bffffffffffffffff`],
    ["FrameTruncated", "a header that ends inside prev", assemble(head0.slice(0, -60), pack)],
    [
      "FrameTruncated",
      "a pack that claims more records than it has",
      assemble(head0, edit(pack, "8a", "8b")),
    ],
    ["FrameTrailingBytes", "a byte after the signature", `${whole}00`],
    ["FrameTrailingBytes", "a byte after the header map", assemble(`${head0}00`, pack)],
    ["FrameTrailingBytes", "a byte after the SenML pack", assemble(head0, `${pack}00`)],
    ["FrameNotCanonical", "the tag in two bytes", edit(whole, "d2", "d812")],
    ["FrameNotCanonical", "the outer array's head in two bytes", edit(whole, "d284", "d29804")],
    ["FrameNotCanonical", "an outer array of indefinite length", `${edit(whole, "d284", "d29f")}ff`],
    ["FrameNotCanonical", "seq in two bytes", withFields(`01011801${prev}${tail}`)],
    [
      "FrameNotCanonical",
      "the time in nine bytes though five would do",
      withFields(`010101${prev}1b0000000068000000${tail.slice(18)}`),
    ],
    ["FrameNotCanonical", "header labels out of order", withHeader("a40126031870", "a40318700126")],
    ["FrameNotCanonical", "a header label twice", withHeader("a40126031870", "a401260126")],
    ["FrameNotCanonical", "SenML labels out of order", withRecord("a2020100616e")],
    ["FrameNotCanonical", "a SenML label twice", withRecord("a200616e00616e")],
    ["FrameNotCanonical", "a pack of indefinite length", assemble(head0, `9f${pack.slice(2)}ff`)],
    ["FrameNotCanonical", "a text of indefinite length", withRecord("a2007f616eff0201")],
    ["FrameNotCanonical", "1.5 as a double", withRecord("a200616e02fb3ff8000000000000")],
    ["FrameNotCanonical", "1.5 as a single", withRecord("a200616e02fa3fc00000")],
    ["FrameMalformed", "no tag", whole.slice(2)],
    ["FrameMalformed", "COSE_Mac0 (tag 17)", edit(whole, "d2", "d1")],
    [
      "FrameMalformed",
      "something in the unprotected header",
      edit(whole, `${byteString(head0)}a0`, `${byteString(head0)}a1044101`),
    ],
    ["FrameMalformed", "a detached payload", `d284${byteString(head0)}a0f6${signature}`],
    ["FrameMalformed", "an empty protected header", assemble("", pack).replace("40a0", "41a0a0")],
    ["FrameMalformed", "a label that is not in the profile", withHeader("0126", "0226")],
    [
      "FrameMalformed",
      "a header array of seven",
      assemble(edit(head0, `88010101${prev}${tail}`, `87010101${prev}${tail.slice(0, -2)}`), pack),
    ],
    ["FrameMalformed", "seq as text", withFields(`01016131${prev}${tail}`)],
    ["FrameMalformed", "an undefined beacon", withFields(`010101${prev}${tail.slice(0, -2)}f7`)],
    ["FrameMalformed", "a SenML label that RFC 8428 does not know", withRecord("a2006161091801")],
    ["FrameMalformed", "a SenML label as text", withRecord("a1617601")],
    ["FrameMalformed", "a record without value", withRecord("a100616e")],
    ["FrameMalformed", "a record with two values", withRecord("a300616e020104f5")],
    ["FrameMalformed", "a name that is not UTF-8", withRecord("a20061ff0201")],
    ["FrameMalformed", "a reserved initial byte", withRecord("a200616e021c")],
    ["FrameAlgorithmUnsupported", "ES384", withHeader("0126", "013822")],
    ["FrameContentTypeUnsupported", "CBOR (60)", withHeader("031870", "03183c")],
    ["FrameVersionUnsupported", "version 2", withFields(`020101${prev}${tail}`)],
    ["FrameTooDeep", "an array where a value stands", withRecord("a200616e028101")],
    ["FrameTooDeep", "a map where a value stands", withRecord("a200616e02a0")],
    ["FrameTooDeep", "a tag where a value stands", withRecord("a200616e02c249ffffffffffffffffff")],
    ["FrameTooDeep", "ten thousand arrays in one another", assemble(head0, "81".repeat(10_000))],
    ["FrameValueOutOfRange", "epoch 0", withFields(`010001${prev}${tail}`)],
    ["FrameValueOutOfRange", "epoch 2^32", withFields(`011b000000010000000001${prev}${tail}`)],
    ["FrameValueOutOfRange", "seq 0", withFields(`010100${prev}${tail}`)],
    ["FrameValueOutOfRange", "seq 2^63", withFields(`01011b8000000000000000${prev}${tail}`)],
    ["FrameValueOutOfRange", "clock quality 3", withFields(`010101${prev}${time}03190fa0f6`)],
    [
      "FrameValueOutOfRange",
      "a time though the clock is unset",
      withFields(`010101${prev}${time}00190fa0f6`),
    ],
    ["FrameValueOutOfRange", "prev of 31 bytes", withFields(`010101581f${"00".repeat(31)}${tail}`)],
    [
      "FrameValueOutOfRange",
      "a device id of 31 bytes",
      withHeader(kid, `581f${base.header.device.slice(4)}`),
    ],
    [
      "FrameValueOutOfRange",
      "a beacon of batch 2^32",
      withFields(`010101${prev}${tail.slice(0, -2)}821b0000000100000000480000000000000000`),
    ],
    [
      "FrameValueOutOfRange",
      "a signature of 63 bytes",
      `${whole.slice(0, -signature.length)}583f${signature.slice(4, -2)}`,
    ],
    ["FrameValueOutOfRange", "a pack without records", assemble(head0, "80")],
    [
      "FrameValueOutOfRange",
      "a pack of 1,025 records",
      assemble(head0, `990401${"a200616e0201".repeat(1025)}`),
    ],
    ["FrameValueOutOfRange", "an empty record", withRecord("a0")],
    ["FrameValueOutOfRange", "a name of 256 bytes", withRecord(`a200${text(256)}0201`)],
    ["FrameValueOutOfRange", "an integer of 2^63", withRecord("a200616e021b8000000000000000")],
    ["FrameValueOutOfRange", "not a number", withRecord("a200616e02f97e00")],
    ["FrameValueOutOfRange", "infinity", withRecord("a200616e02f97c00")],
    ["FrameValueOutOfRange", "SenML version 11", withRecord("a300616e0201200b")],
  ];
  return cases.map(([error, name, hex]) => ({ name, frame: `0x${hex}`, error }));
}

/** Packs that are well-formed but are not a meter record. */
export function notMeterPayloads(): { name: string; payload: Uint8Array }[] {
  const meter = { name: "energy", unit: "Wh", value: 5n, time: 1_767_225_660n };
  const { unit: _unit, ...noUnit } = meter;
  const { name: _name, ...noName } = meter;
  return [
    { name: "two records", payload: encodeSenml([meter, meter]) },
    { name: "no unit", payload: encodeSenml([noUnit]) },
    { name: "a field too many", payload: encodeSenml([{ ...meter, updateTime: 60n }]) },
    { name: "a float value", payload: encodeSenml([{ ...meter, value: 5.5 }]) },
    { name: "a relative time", payload: encodeSenml([{ ...meter, time: 2n ** 28n - 1n }]) },
    { name: "a name of 32 bytes", payload: encodeSenml([{ ...meter, name: "n".repeat(32) }]) },
    { name: "an empty unit", payload: encodeSenml([{ ...meter, unit: "" }]) },
    { name: "a name that is not ASCII", payload: encodeSenml([{ ...meter, name: "zähler" }]) },
    { name: "a base name instead of a name", payload: encodeSenml([{ ...noName, baseName: "energy" }]) },
  ];
}
