import { Interface, type JsonFragment, type JsonFragmentType, type Result } from "ethers";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";
import { abis } from "./generated/abis.js";
import { enums } from "./revert.js";

/** A call of one of our contracts, taken apart. */
export interface ReadCall {
  readonly method: string;
  /** Arguments by name, in words: enums and moments by name, calls inside taken apart as well. */
  readonly args: readonly { readonly name: string; readonly value: string }[];
}

const functions: ReadonlyMap<string, JsonFragment> = new Map(
  (Object.values(abis) as (readonly JsonFragment[])[])
    .flat()
    .filter(({ type }) => type === "function")
    .map((entry) => [new Interface([entry]).getFunction(entry.name as string)!.selector, entry]),
);

/** Takes the data of a call apart. Throws `CallUnknown` when no contract of Tenon has such a function. */
export function readCall(data: string): ReadCall {
  const entry = functions.get(data.slice(0, 10).toLowerCase());
  const values = entry && valuesOf(entry, data);
  if (entry === undefined || values === undefined) {
    throw new TenonError("CallUnknown", "This is no call of a contract of Tenon", {
      args: { selector: data.slice(0, 10), method: entry?.name },
      remedy: "Do not sign what cannot be read. Use the SDK of the deployment's version.",
    });
  }
  const args = (entry.inputs ?? []).map((input, i) => ({
    name: input.name || `argument ${i + 1}`,
    value: valueInWords(input, values[i]),
  }));
  return { method: entry.name as string, args };
}

function valuesOf(entry: JsonFragment, data: string): Result | undefined {
  try {
    return new Interface([entry]).decodeFunctionData(entry.name as string, data);
  } catch {
    return undefined;
  }
}

/** The call as somebody should read it before signing: the function, and each argument on a line of its own. */
export function callInWords(data: string): string {
  const { method, args } = readCall(data);
  const width = Math.max(0, ...args.map(({ name }) => name.length));
  return [method, ...args.map(({ name, value }) => `  ${name.padEnd(width)}  ${value}`)].join("\n");
}

/** The name of a function by its selector, for events that tell only that. */
export function methodOf(selector: Hex): string {
  return functions.get(selector)?.name ?? selector;
}

/** A moment given in seconds since 1970. */
export function momentInWords(seconds: bigint): string {
  return seconds < 2n ** 38n ? new Date(Number(seconds) * 1_000).toISOString() : "without an end";
}

const moments = /^(until|deadline|expiry|notBefore|notAfter|when)$/;
const most = 2n ** 128n - 1n;

function valueInWords(input: JsonFragmentType, value: unknown): string {
  const type = input.type as string;
  if (type.endsWith("]")) {
    const inner = { ...input, type: type.slice(0, type.lastIndexOf("[")) };
    return `[${[...(value as Result)].map((one) => valueInWords(inner, one)).join(", ")}]`;
  }
  if (type === "tuple") {
    const parts = (input.components ?? []).map(
      (part, i) => `${part.name}: ${valueInWords(part, (value as Result)[i])}`,
    );
    return `{ ${parts.join(", ")} }`;
  }
  if (type === "bytes4") return methodOf(value as Hex);
  if (type === "bytes" && functions.has(String(value).slice(0, 10)))
    return inOneLine(readCall(String(value)));
  return typeof value === "bigint" ? numberInWords(input, value) : String(value);
}

function numberInWords({ name = "", internalType = "" }: JsonFragmentType, value: bigint): string {
  const members = enums[internalType.replace("enum ", "") as keyof typeof enums];
  if (members !== undefined) return members[Number(value)] ?? String(value);
  if (name === "limit" && value === most) return "none";
  return moments.test(name) && value > 0n ? `${value} (${momentInWords(value)})` : String(value);
}

function inOneLine({ method, args }: ReadCall): string {
  return `${method}(${args.map(({ name, value }) => `${name}: ${value}`).join(", ")})`;
}
