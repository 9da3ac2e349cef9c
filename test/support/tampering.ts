import type { Random } from "./random.js";

export type Json = string | number | Json[] | { [name: string]: Json };
export type Path = (string | number)[];

/** Every value of a proof's JSON, by its path. */
export function leaves(json: Json, path: Path = []): Path[] {
  if (typeof json !== "object") return [path];
  return Object.entries(json).flatMap(([name, value]) =>
    leaves(value, [...path, Array.isArray(json) ? Number(name) : name]),
  );
}

/** The proof with one value changed a little: a byte flipped, or a number moved. */
export function tampered(json: Json, path: Path, random: Random): { proof: Json; what: string } {
  const copy = structuredClone(json);
  let parent = copy as Record<string | number, Json>;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string | number, Json>;
  const name = path.at(-1)!;
  const before = parent[name] as string | number;
  parent[name] = changed(before, random);
  return { proof: copy, what: `${path.join(".")}: ${before} → ${parent[name]}`.slice(0, 400) };
}

function changed(value: string | number, random: Random): string | number {
  if (typeof value === "number")
    return random.below(2) === 0 && value > 0 ? value - 1 : value + 1 + random.below(9);
  if (!value.startsWith("0x")) return (BigInt(value) + 1n + BigInt(random.below(9))).toString();
  const at = 2 + random.below(value.length - 2);
  const digit = (Number.parseInt(value[at]!, 16) ^ (1 + random.below(15))).toString(16);
  return value.slice(0, at) + digit + value.slice(at + 1);
}
