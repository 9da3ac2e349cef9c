import { fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";

/** What a `did:tenon` names: a device by the hash of its birth key, or an organisation by its number. */
export type Subject =
  | { readonly kind: "device"; readonly chainId: number; readonly device: Hex }
  | { readonly kind: "organisation"; readonly chainId: number; readonly organisation: number };

const CHAIN = "[1-9][0-9]{0,15}";
const DEVICE = new RegExp(`^did:tenon:(${CHAIN}):([0-9a-f]{64})$`);
const ORGANISATION = new RegExp(`^did:tenon:(${CHAIN}):org:([1-9][0-9]{0,9})$`);
const LAST_ORGANISATION = 0xffff_ffff;

/** `did:tenon:<chain id>:<64 hex digits>`. Throws `HexInvalid` unless the id has 32 bytes. */
export function deviceDid(chainId: number | bigint, device: Hex): string {
  return `did:tenon:${chainId}:${toHex(fromHex(device, 32)).slice(2)}`;
}

/** `did:tenon:<chain id>:org:<number>`. */
export function organisationDid(chainId: number | bigint, organisation: number | bigint): string {
  return `did:tenon:${chainId}:org:${organisation}`;
}

/** The subject of a DID, or `undefined` when it is not one of this method. There is one spelling: no capitals, no leading zeros. */
export function subjectOf(did: string): Subject | undefined {
  const device = DEVICE.exec(did);
  if (device !== null) return withChain(device[1]!, { kind: "device", device: `0x${device[2]}` as Hex });
  const organisation = Number(ORGANISATION.exec(did)?.[2]);
  if (!(organisation <= LAST_ORGANISATION)) return undefined;
  return withChain(ORGANISATION.exec(did)![1]!, { kind: "organisation", organisation });
}

function withChain<T extends object>(chain: string, subject: T): (T & { chainId: number }) | undefined {
  const chainId = Number(chain);
  return Number.isSafeInteger(chainId) ? { ...subject, chainId } : undefined;
}

/** The device a DID names. Throws `DidInvalid` for any other DID. */
export function deviceOf(did: string): Hex {
  const subject = subjectOf(did);
  if (subject?.kind === "device") return subject.device;
  throw new TenonError("DidInvalid", "Not the DID of a device", {
    args: { did },
    remedy: "Give did:tenon:<chain id>:<64 lower-case hex digits of the device id>.",
  });
}
