import { toHex } from "../bytes.js";
import { DerReader, type DerValue, malformed, oidText, Tag, unsigned } from "./der.js";

export const Extension = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** Bits of KeyUsage, by their number (RFC 5280 §4.2.1.3). */
const usages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof usages)[number];

/** What the extensions of a certificate say (RFC 5280 §4.2.1). */
export interface Extensions {
  /** Every extension's OID, and whether it is critical. */
  readonly extensions: ReadonlyMap<string, { readonly critical: boolean }>;
  /** Undefined when the extension is not there: then nothing limits the use. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  readonly authority: boolean;
  /** How many authorities may stand between this one and the device's certificate. */
  readonly pathLength: number | undefined;
  readonly authorityKeyId: string | undefined;
  readonly subjectKeyId: string | undefined;
  /** URIs of the subjectAltName. */
  readonly uris: readonly string[];
}

interface Entry {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** @param content What stands under the tag [3]; undefined when there is none. */
export function readExtensions(content: Uint8Array | undefined): Extensions {
  const entries = content === undefined ? new Map<string, Entry>() : readEntries(content);
  const value = (oid: string) => entries.get(oid)?.value;
  return {
    extensions: entries,
    keyUsage: keyUsage(value(Extension.keyUsage)),
    ...basicConstraints(value(Extension.basicConstraints)),
    authorityKeyId: authorityKeyId(value(Extension.authorityKeyId)),
    subjectKeyId: subjectKeyId(value(Extension.subjectKeyId)),
    uris: urisIn(value(Extension.subjectAltName)),
  };
}

function readEntries(content: Uint8Array): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const outer = new DerReader(content);
  const list = new DerReader(outer.read(Tag.sequence, "the extensions").content);
  outer.end("the extensions");
  while (list.tag !== undefined) {
    const reader = new DerReader(list.read(Tag.sequence, "an extension").content);
    const oid = oidText(reader.read(Tag.oid, "an extension's name").content);
    const critical = readBoolean(reader.optional(Tag.boolean, "critical"));
    const { content: value } = reader.read(Tag.octets, "an extension's value");
    reader.end("an extension");
    if (entries.has(oid)) throw malformed("An extension stands there twice", { oid });
    entries.set(oid, { critical, value });
  }
  return entries;
}

/** DEFAULT FALSE: absent, or true as 0xff; false is written by leaving it out (X.690 §11.1, §11.5). */
function readBoolean(value: DerValue | undefined): boolean {
  if (value === undefined) return false;
  const [byte] = value.content;
  if (value.content.length !== 1 || byte !== 0xff) throw malformed("A truth value is not in DER", { byte });
  return true;
}

function keyUsage(value: Uint8Array | undefined): Set<KeyUsage> | undefined {
  if (value === undefined) return undefined;
  const reader = new DerReader(value);
  const [unused = 8, ...bytes] = reader.read(Tag.bits, "the key usage").content;
  reader.end("the key usage");
  if (unused > 7) throw malformed("The key usage is no bit string", { unused });
  return new Set(usages.filter((_, i) => ((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0));
}

function basicConstraints(value: Uint8Array | undefined): Pick<Extensions, "authority" | "pathLength"> {
  if (value === undefined) return { authority: false, pathLength: undefined };
  const outer = new DerReader(value);
  const reader = new DerReader(outer.read(Tag.sequence, "the basic constraints").content);
  outer.end("the basic constraints");
  const authority = readBoolean(reader.optional(Tag.boolean, "cA"));
  const length = reader.optional(Tag.integer, "the path length");
  reader.end("the basic constraints");
  return {
    authority,
    pathLength: length === undefined ? undefined : Number(unsigned(length.content, "the path length")),
  };
}

function subjectKeyId(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const reader = new DerReader(value);
  const { content } = reader.read(Tag.octets, "the subject's key id");
  reader.end("the subject's key id");
  return toHex(content);
}

function authorityKeyId(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const outer = new DerReader(value);
  const reader = new DerReader(outer.read(Tag.sequence, "the authority's key id").content);
  outer.end("the authority's key id");
  const id = reader.optional(0x80, "the authority's key id");
  return id === undefined ? "" : toHex(id.content);
}

function urisIn(value: Uint8Array | undefined): string[] {
  if (value === undefined) return [];
  const uris: string[] = [];
  const outer = new DerReader(value);
  const names = new DerReader(outer.read(Tag.sequence, "the alternative names").content);
  outer.end("the alternative names");
  while (names.tag !== undefined) {
    const { tag, content } = names.any("an alternative name");
    if (tag !== 0x86) continue;
    if (content.some((byte) => byte < 0x20 || byte > 0x7e)) throw malformed("A URI is not in ASCII", {});
    uris.push(Buffer.from(content).toString("latin1"));
  }
  return uris;
}
