import type { AnchorData } from "../anchor.js";
import type { Hex } from "../bytes.js";
import type { BlockProof } from "./block.js";
import type { DeviceRangeProof, FrameProof, HeadProof } from "./bundle.js";
import { ProofError } from "./error.js";
import type { OfflineBundle } from "./offline.js";
import type { StateProof } from "./state.js";

/**
 * Proofs travel as JSON, with 64-bit numbers as decimal strings. Reading one checks its form and drops what is not
 * part of it, so that the verifiers may be given what came over the wire.
 */

/** A proof as JSON text, one property a line. */
export function proofToJson(proof: FrameProof | DeviceRangeProof | BlockProof | OfflineBundle): string {
  return JSON.stringify(proof, (_, value) => (typeof value === "bigint" ? value.toString() : value), 2);
}

/** Reads a frame proof from JSON (text or parsed). Throws `ProofError` at step `form`. */
export function frameProofFrom(source: unknown): FrameProof {
  const part = new Part(parsed(source), "proof");
  return {
    ...chainOf(part),
    frame: part.hex("frame"),
    index: part.count("index"),
    path: part.hashes("path"),
    anchor: anchorFrom(part.part("anchor")),
    epochPath: part.hashes("epochPath"),
    block: blockFrom(part.part("block")),
  };
}

/** Reads a device range proof from JSON (text or parsed). Throws `ProofError` at step `form`. */
export function deviceRangeProofFrom(source: unknown): DeviceRangeProof {
  const part = new Part(parsed(source), "proof");
  return {
    ...chainOf(part),
    device: part.hex("device", 32),
    epoch: part.count("epoch"),
    from: part.big("from"),
    to: part.big("to"),
    frames: part.hexes("frames"),
    last: frameProofFrom(part.part("last").value),
    head: headFrom(part.part("head")),
  };
}

/** Reads an offline bundle from JSON (text or parsed). Throws `ProofError` at step `form`. */
export function offlineBundleFrom(source: unknown): OfflineBundle {
  const part = new Part(parsed(source), "bundle");
  if (part.count("version") !== 1) throw part.fault("version", "1");
  const frame = part.part("frame");
  // Nothing of a bundle goes unchecked, and an epoch path would: only contracts need it.
  if (frame.hashes("epochPath").length > 0) throw frame.fault("epochPath", "an empty list");
  const key = part.part("deviceKey");
  const curve = key.count("curve");
  if (curve !== 1 && curve !== 8) throw key.fault("curve", "1 or 8");
  return {
    version: 1,
    frame: frameProofFrom(frame.value),
    deviceKey: { curve, x: key.hex("x", 32), y: key.hex("y", 32) },
    genesis: part.hex("genesis"),
    changes: part.lists("changes"),
    header: part.hex("header"),
    device: stateFrom(part.part("device")),
    anchor: stateFrom(part.part("anchor")),
  };
}

function stateFrom(part: Part): StateProof {
  return { accountPath: part.hexes("accountPath"), slotPath: part.hexes("slotPath") };
}

function chainOf(part: Part) {
  if (part.count("version") !== 1) throw part.fault("version", "1");
  return {
    version: 1 as const,
    chainId: part.big("chainId").toString(),
    genesisHash: part.hex("genesisHash", 32),
    anchorLog: part.hex("anchorLog", 20),
    registry: part.hex("registry", 20),
  };
}

function headFrom(part: Part): HeadProof {
  return {
    entry: part.hex("entry"),
    index: part.count("index"),
    size: part.count("size"),
    path: part.hashes("path"),
    root: part.hex("root", 32),
    anchor: anchorFrom(part.part("anchor")),
    block: blockFrom(part.part("block")),
  };
}

function anchorFrom(part: Part): AnchorData {
  return {
    stream: part.count("stream"),
    batch: part.count("batch"),
    first: part.big("first"),
    count: part.count("count"),
    minTime: part.big("minTime"),
    maxTime: part.big("maxTime"),
    framesRoot: part.hex("framesRoot", 32),
    headsRoot: part.hex("headsRoot", 32),
    rejectsRoot: part.hex("rejectsRoot", 32),
  };
}

function blockFrom(part: Part): BlockProof {
  return {
    number: part.big("number"),
    hash: part.hex("hash", 32),
    header: part.hex("header"),
    transactionIndex: part.count("transactionIndex"),
    receipt: part.hex("receipt"),
    receiptPath: part.hexes("receiptPath"),
    logIndex: part.count("logIndex"),
  };
}

function parsed(source: unknown): unknown {
  if (typeof source !== "string") return source;
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new ProofError("form", "The proof is not JSON", { cause });
  }
}

/** One object of what came as JSON, with its place in the whole for messages. */
export class Part {
  constructor(
    readonly value: unknown,
    readonly at: string,
  ) {}

  part(name: string): Part {
    return new Part(this.#get(name), `${this.at}.${name}`);
  }

  parts(name: string): Part[] {
    const values = this.#get(name);
    if (!Array.isArray(values)) throw this.fault(name, "a list");
    return values.map((value, i) => new Part(value, `${this.at}.${name}.${i}`));
  }

  hex(name: string, length?: number): Hex {
    return this.#hex(name, this.#get(name), length);
  }

  hexes(name: string, length?: number): Hex[] {
    const values = this.#get(name);
    if (!Array.isArray(values)) throw this.fault(name, "a list");
    return values.map((value) => this.#hex(name, value, length));
  }

  /** Lists of lists of bytes. */
  lists(name: string): Hex[][] {
    const values = this.#get(name);
    if (!Array.isArray(values)) throw this.fault(name, "a list");
    return values.map((_, i) => new Part(values, `${this.at}.${name}`).hexes(String(i)));
  }

  hashes(name: string): Hex[] {
    return this.hexes(name, 32);
  }

  /** A JSON number: at most 2^53. */
  count(name: string): number {
    const value = this.#get(name);
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw this.fault(name, "a whole number");
    return value as number;
  }

  /** A bigint, or its decimal digits. */
  big(name: string): bigint {
    const value = this.#get(name);
    if (typeof value === "bigint" && value >= 0n) return value;
    if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(value))
      throw this.fault(name, "decimal digits");
    return BigInt(value);
  }

  fault(name: string, expected: string): ProofError {
    const given = this.#get(name);
    return new ProofError("form", "The proof has not the form of one", {
      args: { field: `${this.at}.${name}`, expected, given: JSON.stringify(given)?.slice(0, 80) },
    });
  }

  #hex(name: string, value: unknown, length?: number): Hex {
    const good = typeof value === "string" && /^0x([0-9a-fA-F]{2})*$/.test(value);
    if (good && (length === undefined || value.length === 2 + 2 * length)) return value.toLowerCase() as Hex;
    throw this.fault(name, length === undefined ? "hex bytes" : `${length} hex bytes`);
  }

  #get(name: string): unknown {
    return typeof this.value === "object" && this.value !== null
      ? (this.value as Record<string, unknown>)[name]
      : undefined;
  }
}
