import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fromHex, type Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { P256, SECP256K1 } from "../frame/key.js";
import { type ListedDevice, listedDevice } from "./list.js";
import { newSalt, readPublicKey } from "./parameters.js";

/** The columns that say something to Tenon; every other one is a parameter of the device (make, model, serial …). */
const OWN = ["publicKey", "curve", "x", "y", "salt", "parametersHash", "certificateHash"] as const;
type Row = Readonly<Record<string, string>>;

const CURVES: Record<string, 1 | 8> = {
  "": P256,
  "1": P256,
  "P-256": P256,
  "8": SECP256K1,
  secp256k1: SECP256K1,
};

/**
 * Reads the devices of a production run, row by row, from a file or a stream: CSV with a header line, JSON Lines, or one
 * JSON array (by the first character). Columns: `publicKey` (or `x` and `y`), `curve` (P-256 unless given), `salt` (a
 * fresh one is drawn where a row has parameters and none), `certificateHash`, `parametersHash`; every other column is a
 * parameter of the device.
 * @throws TenonError `RowsUnreadable`, or `RowInvalid` with the line and the field that was refused.
 */
export async function* readDevices(source: string | Readable): AsyncGenerator<ListedDevice> {
  for await (const { line, row } of rowsOf(source)) yield deviceOf(row, line);
}

async function* rowsOf(source: string | Readable): AsyncGenerator<{ line: number; row: Row }> {
  const input = typeof source === "string" ? createReadStream(source) : source;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  let header: string[] | undefined;
  let whole: string[] | undefined;
  try {
    for await (const raw of lines) {
      line += 1;
      const text = line === 1 ? raw.replace(/^\uFEFF/, "") : raw;
      if (whole !== undefined) whole.push(text);
      else if (text.trim() === "") continue;
      else if (header === undefined && text.trimStart().startsWith("[")) whole = [text];
      else if (text.startsWith("{")) yield { line, row: jsonRow(text, line) };
      else if (header === undefined) header = headerOf(text, line);
      else yield { line, row: csvRow(header, text, line) };
    }
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    throw new TenonError("RowsUnreadable", "The devices cannot be read", {
      args: { source: typeof source === "string" ? source : "stream", reason: (cause as Error).message },
      remedy: "Give a CSV file with a header line, JSON Lines, or a JSON array.",
      cause,
    });
  }
  if (whole !== undefined) yield* arrayRows(whole.join("\n"));
}

function* arrayRows(text: string): Generator<{ line: number; row: Row }> {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (cause) {
    throw invalid(1, "JSON", (cause as Error).message, "an array of objects");
  }
  for (const [i, value] of (rows as unknown[]).entries()) yield { line: i + 1, row: textsOf(value, i + 1) };
}

function jsonRow(text: string, line: number): Row {
  try {
    return textsOf(JSON.parse(text), line);
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    throw invalid(line, "JSON", text, "one object a line");
  }
}

function textsOf(value: unknown, line: number): Row {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(line, "row", JSON.stringify(value), "an object");
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (typeof field === "string" || typeof field === "number") return [name, String(field)];
      throw invalid(line, name, JSON.stringify(field), "a text or a number");
    }),
  );
}

function headerOf(text: string, line: number): string[] {
  const names = cells(text, line).map((name) => name.trim());
  const known = names.includes("publicKey") || (names.includes("x") && names.includes("y"));
  if (!known) throw invalid(line, "header", text, "a column publicKey, or the columns x and y");
  return names;
}

function csvRow(header: string[], text: string, line: number): Row {
  const values = cells(text, line);
  if (values.length !== header.length) {
    throw invalid(line, "row", text, `${header.length} cells, as in the header`);
  }
  return Object.fromEntries(header.map((name, i) => [name, values[i]!]));
}

/** The cells of a line of CSV (RFC 4180; a quoted cell ends on its line). */
function cells(text: string, line: number): string[] {
  if (!text.includes('"')) return text.split(",");
  const found = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)];
  const length = found.reduce((sum, [match]) => sum + match.length, 0);
  if (length !== text.length) throw invalid(line, "row", text, "quotes around whole cells, doubled within");
  return found.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

function deviceOf(row: Row, line: number): ListedDevice {
  const field = <T>(name: string, read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof TenonError)) throw cause;
      throw invalid(line, name, row[name] ?? "", cause.remedy ?? cause.message, cause);
    }
  };
  const hash = (name: string) => {
    const text = row[name] ?? "";
    return text === "" ? undefined : field(name, () => bytes32(text));
  };
  const curve = CURVES[row.curve ?? ""];
  if (curve === undefined) throw invalid(line, "curve", row.curve ?? "", "P-256 or secp256k1");
  const point = row.publicKey ?? `${row.x ?? ""}${(row.y ?? "").replace(/^0x/, "")}`;
  const key = field("publicKey", () => readPublicKey(point.trim(), curve));
  const given = Object.entries(row).filter(([name, text]) => !isOwn(name) && text !== "");
  const [parametersHash, certificateHash] = [hash("parametersHash"), hash("certificateHash")];
  return listedDevice(key, {
    ...(parametersHash && { parametersHash }),
    ...(certificateHash && { certificateHash }),
    ...(given.length > 0 && { parameters: Object.fromEntries(given), salt: hash("salt") ?? newSalt() }),
  });
}

function isOwn(name: string): boolean {
  return OWN.some((own) => own === name);
}

function bytes32(text: string): Hex {
  const hex = (text.startsWith("0x") ? text : `0x${text}`).toLowerCase() as Hex;
  fromHex(hex, 32);
  return hex;
}

function invalid(line: number, field: string, given: unknown, expected: string, cause?: unknown): TenonError {
  return new TenonError("RowInvalid", "A device's row cannot be used", {
    args: { line, field, given: String(given).slice(0, 200), expected },
    remedy: "Mend the row: nothing was made or sent.",
    cause,
  });
}
