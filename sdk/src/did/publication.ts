import { permissionsOf } from "../access/pass.js";
import { TenonError } from "../errors.js";
import { readMultikey } from "./multikey.js";

/** What a key that the owner publishes may be used for: relationships of the DID document. */
export const keyPurposes = ["authentication", "assertionMethod", "keyAgreement"] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

/** A further key of the device, which the registry does not check: Ed25519, SM2, or one more of P-256 or secp256k1. */
export interface PublishedKey {
  /** `z…`: base58btc of multicodec prefix and public key. */
  readonly multikey: string;
  readonly uses: readonly KeyPurpose[];
}

/** What a device offers, and what it takes to use it. */
export interface DeviceInterface {
  /** Fragment under the device's DID: letters, digits, `-` and `_`. */
  readonly id: string;
  /** Kind of interface, such as `OpcUaServer` or `TelemetryStream`: a letter, then letters and digits. */
  readonly type: string;
  /** Permissions a grant needs for it, by the names of `permissionNames`; empty when anyone may use it. */
  readonly permissions: readonly string[];
  /** Where it is; left out when only a grant tells. What stands here is public to every member for ever. */
  readonly endpoint?: string;
}

/** What an owner publishes about a device. */
export interface DeviceDocument {
  readonly interfaces?: readonly DeviceInterface[];
  readonly keys?: readonly PublishedKey[];
  /** Other identifiers of the device, as URIs: GS1 Digital Link, did:key, OPC UA ProductInstanceUri, … */
  readonly alsoKnownAs?: readonly string[];
}

const MAX_BYTES = 8192;
const MAX_ENTRIES = 64;

/**
 * The bytes to publish: JSON with `version` first. An empty document gives no bytes, which withdraws the one before.
 * @throws TenonError `DocumentInvalid`, `MultikeyInvalid`, `PermissionUnknown`.
 */
export function encodeDocument(document: DeviceDocument): Uint8Array {
  const whole = { version: 1, interfaces: [], keys: [], alsoKnownAs: [], ...document };
  const bytes = new TextEncoder().encode(JSON.stringify(whole));
  const { interfaces, keys, alsoKnownAs } = decodeDocument(bytes);
  for (const { permissions } of interfaces) permissionsOf(permissions);
  return interfaces.length + keys.length + alsoKnownAs.length === 0 ? new Uint8Array() : bytes;
}

/**
 * Reads published bytes strictly; an unknown member is refused, so that nothing is published that nobody shows.
 * @throws TenonError `DocumentInvalid` with the place of the fault.
 */
export function decodeDocument(bytes: Uint8Array): Required<DeviceDocument> {
  if (bytes.length === 0) return { interfaces: [], keys: [], alsoKnownAs: [] };
  if (bytes.length > MAX_BYTES) throw invalid("", `${bytes.length} bytes`, `at most ${MAX_BYTES} bytes`);
  const root = members(parse(bytes), "", ["version", "interfaces", "keys", "alsoKnownAs"]);
  if (root.version !== 1) throw invalid("version", root.version, "1");
  const interfaces = list(root.interfaces, "interfaces", interfaceAt);
  const keys = list(root.keys, "keys", keyAt);
  const alsoKnownAs = list(root.alsoKnownAs, "alsoKnownAs", uriAt);
  unique(
    interfaces.map(({ id }) => id),
    "interfaces",
  );
  unique(
    keys.map(({ multikey }) => multikey),
    "keys",
  );
  unique(alsoKnownAs, "alsoKnownAs");
  return { interfaces, keys, alsoKnownAs };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid("", cause instanceof Error ? cause.message : cause, "JSON in UTF-8");
  }
}

function interfaceAt(value: unknown, at: string): DeviceInterface {
  const { id, type, permissions, endpoint } = members(value, at, ["id", "type", "permissions", "endpoint"]);
  const name = (one: unknown, place: string) => text(one, place, /^[A-Za-z][A-Za-z0-9]{0,63}$/, "a name");
  return {
    id: text(id, `${at}.id`, /^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, - or _"),
    type: name(type, `${at}.type`),
    permissions: list(permissions, `${at}.permissions`, name),
    ...(endpoint === undefined ? {} : { endpoint: uriAt(endpoint, `${at}.endpoint`) }),
  };
}

function keyAt(value: unknown, at: string): PublishedKey {
  const { multikey, uses } = members(value, at, ["multikey", "uses"]);
  const given = text(multikey, `${at}.multikey`, /^z/, "a Multikey");
  readMultikey(given);
  const listed = list(uses, `${at}.uses`, (use, place) =>
    text(use, place, new RegExp(`^(${keyPurposes.join("|")})$`), keyPurposes.join(", ")),
  ) as KeyPurpose[];
  if (listed.length === 0) throw invalid(`${at}.uses`, "none", `one of ${keyPurposes.join(", ")}`);
  unique(listed, `${at}.uses`);
  return { multikey: given, uses: listed };
}

function uriAt(value: unknown, at: string): string {
  return text(value, at, /^[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-[\]_a-z~]{1,2000}$/, "an absolute URI (RFC 3986)");
}

function members(value: unknown, at: string, known: string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(at, value, "an object");
  }
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  if (stranger !== undefined) throw invalid(at === "" ? stranger : `${at}.${stranger}`, "present", "absent");
  return value as Record<string, unknown>;
}

function list<T>(value: unknown, at: string, read: (item: unknown, at: string) => T): T[] {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) {
    throw invalid(at, value, `a list of at most ${MAX_ENTRIES}`);
  }
  return value.map((item, i) => read(item, `${at}[${i}]`));
}

function text(value: unknown, at: string, form: RegExp, expected: string): string {
  if (typeof value !== "string" || !form.test(value)) throw invalid(at, value, expected);
  return value;
}

function unique(values: readonly string[], at: string): void {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw invalid(at, twice, "each only once");
}

function invalid(at: string, given: unknown, expected: string): TenonError {
  return new TenonError("DocumentInvalid", "The published document is not valid", {
    args: { at: at === "" ? "the document" : at, given: JSON.stringify(given), expected },
    remedy: "See docs/did-method.md for its members.",
  });
}
