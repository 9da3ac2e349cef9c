import { CborReader, CborWriter, Major } from "./cbor.js";
import { FrameError } from "./error.js";

/** A CBOR integer is a bigint, a CBOR float a number: the two stay apart in both directions. */
export type SenmlNumber = number | bigint;

/**
 * One record of a SenML pack (RFC 8428), in this profile's subset: each record carries exactly one of `value`,
 * `text`, `flag`, `data`, or only a `sum`. Base fields act on the following records as the RFC says.
 */
export interface SenmlRecord {
  name?: string;
  unit?: string;
  value?: SenmlNumber;
  text?: string;
  flag?: boolean;
  sum?: SenmlNumber;
  /** Seconds: absolute since 1970 from 2^28 on, else relative to now (RFC 8428 §4.5.3). */
  time?: SenmlNumber;
  updateTime?: SenmlNumber;
  data?: Uint8Array;
  baseVersion?: 10;
  baseName?: string;
  baseTime?: SenmlNumber;
  baseUnit?: string;
  baseValue?: SenmlNumber;
  baseSum?: SenmlNumber;
}

export const MAX_READINGS = 1024;
export const MAX_TEXT = 255;

type Kind = "number" | "text" | "boolean" | "bytes" | "version";

interface Field {
  /** The key's one byte: its place in deterministic order. */
  key: number;
  name: keyof SenmlRecord;
  kind: Kind;
}

/** RFC 8428 §6, in the order of the encoded keys: 0…8, then −1…−6. */
const FIELDS: Field[] = [
  { key: 0x00, name: "name", kind: "text" },
  { key: 0x01, name: "unit", kind: "text" },
  { key: 0x02, name: "value", kind: "number" },
  { key: 0x03, name: "text", kind: "text" },
  { key: 0x04, name: "flag", kind: "boolean" },
  { key: 0x05, name: "sum", kind: "number" },
  { key: 0x06, name: "time", kind: "number" },
  { key: 0x07, name: "updateTime", kind: "number" },
  { key: 0x08, name: "data", kind: "bytes" },
  { key: 0x20, name: "baseVersion", kind: "version" },
  { key: 0x21, name: "baseName", kind: "text" },
  { key: 0x22, name: "baseTime", kind: "number" },
  { key: 0x23, name: "baseUnit", kind: "text" },
  { key: 0x24, name: "baseValue", kind: "number" },
  { key: 0x25, name: "baseSum", kind: "number" },
];

const FIELD_BY_KEY: (Field | undefined)[] = [];
for (const field of FIELDS) FIELD_BY_KEY[field.key] = field;

const VALUE_KEYS = new Set([0x02, 0x03, 0x04, 0x08]);
const SUM_KEY = 0x05;

/** Checks a pack and returns its number of records, building nothing. */
export function countPack(bytes: Uint8Array, offset = 0, end: number = bytes.length): number {
  return readPack(new CborReader(bytes, offset, end), undefined);
}

/** @throws FrameError when the payload is not a pack of this profile. */
export function decodeSenml(payload: Uint8Array): SenmlRecord[] {
  const records: SenmlRecord[] = [];
  readPack(new CborReader(payload), records);
  return records;
}

function readPack(reader: CborReader, into: SenmlRecord[] | undefined): number {
  const count = reader.count(Major.array, 1, MAX_READINGS, "a SenML pack of 1 to 1,024 records");
  for (let i = 0; i < count; i++) {
    const record: SenmlRecord | undefined = into === undefined ? undefined : {};
    readRecord(reader, record);
    if (record !== undefined) into?.push(record);
  }
  reader.finish("the SenML pack");
  return count;
}

function readRecord(reader: CborReader, record: SenmlRecord | undefined): void {
  const start = reader.position;
  const fields = reader.count(Major.map, 1, FIELDS.length, "a SenML record");
  let previous = -1;
  let values = 0;
  let sum = false;
  for (let i = 0; i < fields; i++) {
    const offset = reader.position;
    const key = reader.smallKey();
    const field = FIELD_BY_KEY[key];
    if (field === undefined)
      throw new FrameError("FrameMalformed", "Not a SenML label of RFC 8428", { offset });
    if (key <= previous) {
      const what =
        key === previous ? "A SenML label stands twice" : "SenML labels are not in ascending order";
      throw new FrameError("FrameNotCanonical", what, { offset });
    }
    previous = key;
    if (VALUE_KEYS.has(key)) values++;
    sum ||= key === SUM_KEY;
    readField(reader, field, record);
  }
  if (values > 1 || (values === 0 && !sum)) {
    throw new FrameError("FrameMalformed", "A record carries one value, or a sum", { offset: start, values });
  }
}

function readField(reader: CborReader, field: Field, record: SenmlRecord | undefined): void {
  const { name, kind } = field;
  let value: SenmlRecord[keyof SenmlRecord];
  if (kind === "number") {
    reader.number(name);
    if (record !== undefined) value = reader.asValue();
  } else if (kind === "text") {
    reader.text(name, 0, MAX_TEXT);
    if (record !== undefined) value = reader.asText();
  } else if (kind === "bytes") {
    reader.byteString(name, 0, MAX_TEXT);
    if (record !== undefined) value = new Uint8Array(reader.slice());
  } else if (kind === "boolean") {
    value = reader.boolean(name);
  } else {
    value = reader.uintWithin(name, 10, 10) as 10;
  }
  if (record !== undefined) Object.assign(record, { [name]: value });
}

/**
 * Encodes a pack deterministically. The result passes `decodeSenml`.
 * @throws FrameError when the records do not fit this profile.
 */
export function encodeSenml(records: readonly SenmlRecord[]): Uint8Array {
  const writer = new CborWriter().head(Major.array, records.length);
  for (const record of records) {
    const present = FIELDS.filter(({ name }) => record[name] !== undefined);
    writer.head(Major.map, present.length);
    for (const field of present) writeField(writer, field, record[field.name]!);
  }
  const payload = writer.finish();
  countPack(payload);
  return payload;
}

function writeField(
  writer: CborWriter,
  field: Field,
  value: NonNullable<SenmlRecord[keyof SenmlRecord]>,
): void {
  writer.raw(Uint8Array.of(field.key));
  if (field.kind === "version") writer.int(value as 10);
  else if (typeof value === "bigint") writeInteger(writer, value);
  else if (typeof value === "number") writer.float(value);
  else if (typeof value === "string") writer.text(value);
  else if (typeof value === "boolean") writer.boolean(value);
  else writer.bytes(value);
}

function writeInteger(writer: CborWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) {
    throw new FrameError("FrameValueOutOfRange", "An integer does not fit 64 bits", { found: value });
  }
  writer.int(value);
}

/** What a contract can read of a meter frame. */
export interface Meter {
  name: string;
  /** SenML unit (RFC 8428 §12.1 and its registry). */
  unit: string;
  /** A whole number of that unit, 64 bits signed. */
  value: bigint;
  /** Seconds since 1970 by the device's clock, at least 2^28. */
  time: bigint;
}

const METER_TEXT = 31;
const ABSOLUTE_TIME = 1n << 28n;

/** The payload of a meter frame: one record a Solidity parser reads in bounded gas. */
export function meterPayload(meter: Meter): Uint8Array {
  const payload = encodeSenml([{ name: meter.name, unit: meter.unit, value: meter.value, time: meter.time }]);
  parseMeter(payload);
  return payload;
}

/** @throws FrameError FrameNotMeter unless the payload is exactly one record of the meter form. */
export function parseMeter(payload: Uint8Array): Meter {
  try {
    return readMeterRecord(new CborReader(payload));
  } catch (cause) {
    if (!(cause instanceof FrameError) || cause.code === "FrameNotMeter") throw cause;
    throw new FrameError("FrameNotMeter", "Not a meter frame", { ...cause.args, reason: cause.code });
  }
}

function readMeterRecord(reader: CborReader): Meter {
  reader.exact(Major.array, 1, "one record");
  reader.exact(Major.map, 4, "a record of four fields");
  reader.exact(Major.uint, 0, "the name");
  const name = meterText(reader, "name");
  reader.exact(Major.uint, 1, "the unit");
  const unit = meterText(reader, "unit");
  reader.exact(Major.uint, 2, "the value");
  reader.int("value");
  const value = reader.asBigInt();
  reader.exact(Major.uint, 6, "the time");
  reader.uint("time");
  const time = reader.asBigInt();
  reader.finish("the record");
  if (time < ABSOLUTE_TIME) throw new FrameError("FrameNotMeter", "The time is relative", { time });
  return { name, unit, value, time };
}

function meterText(reader: CborReader, name: string): string {
  reader.text(name, 1, METER_TEXT);
  const text = reader.asText();
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new FrameError("FrameNotMeter", `The ${name} is not printable ASCII`, { text });
}
