import { computeAddress } from "ethers";
import { concatBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { CborReader, CborWriter, Major } from "../frame/cbor.js";
import { FrameError } from "../frame/error.js";
import { type DeviceKey, ES256, importDeviceKey, SECP256K1 } from "../frame/key.js";
import { type AccessPass, granteeOf, passDigest } from "./pass.js";
import {
  type AccessDomain,
  type AccessSigner,
  readCurve,
  readHash,
  reading,
  readSigned,
  readUint,
  type SignedMessage,
  writeSigned,
} from "./signed.js";

/**
 * The pass in the form a device checks by itself: a COSE_Sign1 (ES256) by the owner's device-facing key over CWT claims
 * (RFC 8392), with the requester's key in `cnf` (RFC 8747). It says the same as the EIP-712 pass and holds its hash.
 */
export interface OfflinePass {
  readonly pass: AccessPass;
  /** Number of the owner's organisation, `iss`. */
  readonly owner: number;
  /** The key that has to be shown with the pass: P-256, or secp256k1 where the grantee is that key's account. */
  readonly requester: DeviceKey;
  /** When the owner signed this form, seconds since 1970: a device without a clock learns the time from it. */
  readonly issuedAt: number;
  /** EIP-712 hash of the pass on its chain and contract, `cti`. */
  readonly digest: Hex;
  readonly message: SignedMessage;
}

/** CWT and private claim keys. */
const ISS = 1;
const AUD = 3;
const EXP = 4;
const NBF = 5;
const IAT = 6;
const CTI = 7;
const CNF = 8;
/** Private claim: what CWT has no name for. */
const TERMS = -65_538;

const MAX_UINT32 = 0xffff_ffff;
/** uint40, as on chain. */
const MAX_TIME = 0xff_ffff_ffff;

export function deviceDid(chainId: bigint, device: Hex): string {
  return `did:tenon:${chainId}:${device.slice(2)}`;
}

export function organisationDid(chainId: bigint, organisation: number): string {
  return `did:tenon:${chainId}:org:${organisation}`;
}

/**
 * Signs the offline form of a pass.
 * @param signer The owner's device-facing key (P-256), which the device knows.
 * @throws TenonError `RequesterKeyInvalid`, `OfflinePassSignerInvalid`.
 */
export function issueOfflinePass(
  domain: AccessDomain,
  issue: {
    readonly pass: AccessPass;
    readonly owner: number;
    readonly requester: DeviceKey;
    readonly issuedAt: number;
  },
  signer: AccessSigner,
): Uint8Array {
  const { pass, owner, requester, issuedAt } = issue;
  if (signer.algorithm !== ES256) {
    throw new TenonError("OfflinePassSignerInvalid", "Offline passes are signed with a P-256 key", {
      args: { algorithm: signer.algorithm },
      remedy: "Use the organisation's published device-facing key.",
    });
  }
  importDeviceKey(requester);
  requireOwnKey(pass.grantee, requester);
  const writer = new CborWriter().head(Major.map, 8);
  writer.int(ISS).text(organisationDid(domain.chainId, owner));
  writer.int(AUD).text(deviceDid(domain.chainId, pass.device));
  writer.int(EXP).int(pass.expiry).int(NBF).int(pass.notBefore).int(IAT).int(issuedAt);
  writer.int(CTI).bytes(fromHex(passDigest(domain, pass), 32));
  writer.int(CNF).head(Major.map, 1).int(1);
  writer.head(Major.map, 4).int(1).int(2).int(-1).int(requester.curve);
  writer.int(-2).bytes(fromHex(requester.x, 32)).int(-3).bytes(fromHex(requester.y, 32));
  writer.int(TERMS).head(Major.array, 9);
  writer.bytes(fromHex(pass.grantee, 32)).int(pass.permissions).int(pass.epoch).int(pass.rev);
  writer.int(pass.minInterval).int(pass.delegations).bytes(fromHex(pass.endpointCommitment, 32));
  writer.bytes(fromHex(pass.envelopeHash, 32)).int(pass.deadline);
  return writeSigned("pass", domain, writer.finish(), signer);
}

/**
 * Reads an offline pass and checks everything that needs no key and no state: form, chain, and that it says the same as
 * the EIP-712 pass whose hash it holds.
 * @throws TenonError `AccessMessageMalformed`, `OfflinePassForeign` for another chain, `OfflinePassHashMismatch`,
 * `RequesterKeyInvalid`.
 */
export function readOfflinePass(domain: AccessDomain, bytes: Uint8Array): OfflinePass {
  const message = readSigned("pass", bytes);
  const claims = reading("the claims of a pass", () => readClaims(new CborReader(message.payload)));
  const { owner, device, digest, requester, issuedAt } = claims;
  if (owner.chainId !== domain.chainId || device.chainId !== domain.chainId) {
    throw new TenonError("OfflinePassForeign", "The pass is for another chain", {
      args: { expected: domain.chainId, owner: owner.text, device: device.text },
      remedy: "Ask the owner for a pass of this chain.",
    });
  }
  const pass: AccessPass = { ...claims.terms, device: device.id };
  const found = passDigest(domain, pass);
  if (found !== digest) {
    throw new TenonError("OfflinePassHashMismatch", "The pass does not say what the pass it names says", {
      args: { named: digest, found },
      remedy: "Do not use it; check the chain id and the address of DeviceAccess, and ask the owner again.",
    });
  }
  requireOwnKey(pass.grantee, requester);
  return { pass, owner: owner.organisation, requester, issuedAt, digest, message };
}

/**
 * An account that is a key signs with that key. Who holds a P-256 key, or a role, is the owner's word: he signs that
 * this key stands for the grantee.
 */
function requireOwnKey(grantee: Hex, requester: DeviceKey): void {
  const named = granteeOf(grantee);
  if (requester.curve !== SECP256K1) return;
  const account = accountOf(requester);
  if ("account" in named && named.account === account) return;
  throw new TenonError("RequesterKeyInvalid", "A secp256k1 key stands for its own account only", {
    args: { grantee, account },
    remedy: "Name the grantee's own key, or a P-256 key that the owner vouches for.",
  });
}

/** The account of a secp256k1 key. */
export function accountOf(key: DeviceKey): string {
  return computeAddress(toHex(concatBytes(Uint8Array.of(4), fromHex(key.x, 32), fromHex(key.y, 32))));
}

function readClaims(reader: CborReader) {
  reader.exact(Major.map, 8, "a map of eight claims");
  const owner = ownerOf(claimText(reader, ISS, "iss"));
  const device = deviceOf(claimText(reader, AUD, "aud"));
  const expiry = claimTime(reader, EXP, "exp");
  const notBefore = claimTime(reader, NBF, "nbf");
  const issuedAt = claimTime(reader, IAT, "iat");
  reader.exact(Major.uint, CTI, "claim cti");
  const digest = readHash(reader, "cti");
  const requester = readConfirmation(reader);
  reader.exact(Major.negative, -1 - TERMS, "the private claim");
  reader.exact(Major.array, 9, "an array of 9");
  const terms = {
    grantee: readHash(reader, "grantee"),
    permissions: BigInt(reader.uintWithin("permissions", 0, 2 ** 40 - 1)),
    epoch: reader.uintWithin("epoch", 1, MAX_UINT32),
    rev: reader.uintWithin("rev", 1, MAX_UINT32),
    minInterval: reader.uintWithin("minInterval", 0, 0xffff),
    delegations: reader.uintWithin("delegations", 0, 0xff),
    endpointCommitment: readHash(reader, "endpointCommitment"),
    envelopeHash: readHash(reader, "envelopeHash"),
    deadline: readUint(reader, "deadline"),
    notBefore,
    expiry,
  };
  reader.finish("the claims");
  return { owner, device, digest, requester, issuedAt, terms };
}

function readConfirmation(reader: CborReader): DeviceKey {
  reader.exact(Major.uint, CNF, "claim cnf");
  reader.exact(Major.map, 1, "a map of one");
  reader.exact(Major.uint, 1, "COSE_Key");
  reader.exact(Major.map, 4, "a COSE_Key of four parameters");
  reader.exact(Major.uint, 1, "kty");
  reader.exact(Major.uint, 2, "kty EC2");
  reader.exact(Major.negative, 0, "crv");
  const curve = readCurve(reader);
  reader.exact(Major.negative, 1, "x");
  const x = readHash(reader, "x");
  reader.exact(Major.negative, 2, "y");
  return { curve, x, y: readHash(reader, "y") };
}

function claimText(reader: CborReader, key: number, name: string): string {
  reader.exact(Major.uint, key, `claim ${name}`);
  reader.text(name, 1, 128);
  return reader.asText();
}

function claimTime(reader: CborReader, key: number, name: string): number {
  reader.exact(Major.uint, key, `claim ${name}`);
  return reader.uintWithin(name, 0, MAX_TIME);
}

function deviceOf(text: string) {
  const [, chain, id] = /^did:tenon:(0|[1-9][0-9]{0,19}):([0-9a-f]{64})$/.exec(text) ?? notDid("aud", text);
  return { text, chainId: BigInt(chain!), id: `0x${id}` as Hex };
}

function ownerOf(text: string) {
  const form = /^did:tenon:(0|[1-9][0-9]{0,19}):org:([1-9][0-9]{0,9})$/;
  const [, chain, organisation] = form.exec(text) ?? notDid("iss", text);
  return { text, chainId: BigInt(chain!), organisation: Number(organisation) };
}

function notDid(claim: string, found: string): never {
  throw new FrameError("FrameMalformed", `Claim ${claim} is not the DID it should be`, { found });
}
