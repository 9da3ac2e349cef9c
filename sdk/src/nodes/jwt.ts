import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { TenonError } from "../errors.js";

/** A token and when to stop using it, milliseconds since 1970. */
export interface Token {
  readonly value: string;
  readonly renewAt: number;
}

/** Where tokens come from. Nothing of it is ever printed. */
export interface TokenSource {
  /** A token that is good for a while yet. */
  get(): Promise<Token>;
  /** Says that a node refused this token: the next `get` gives another one, where that is possible. */
  refused(value: string): void;
}

/** How long a token is good for, in seconds. Short, because it cannot be called back. */
const LIFETIME = 600;

/** The node's clock may be behind ours, and it refuses a token from the future. */
const BACKDATED = 60;

/**
 * Signs ES256 tokens (RFC 7519) as Besu wants them: `permissions` and an expiry. Renewed when a quarter of their life
 * is left.
 * @param key PEM of a P-256 private key, or the path of a file that holds it and that only its owner may read.
 * @throws TenonError `JwtKeyUnreadable`, `JwtKeyOpen`, `JwtKeyInvalid`.
 */
export function signedTokens(key: string, lifetime = LIFETIME): TokenSource {
  const privateKey = loadJwtKey(key);
  let token: Token | undefined;
  return {
    get: async () => {
      if (token === undefined || Date.now() >= token.renewAt) token = signToken(privateKey, lifetime);
      return token;
    },
    refused: (value) => {
      if (token?.value === value) token = undefined;
    },
  };
}

/** Tokens from elsewhere: one, or a function that gives the current one, asked again after a refusal. */
export function givenTokens(given: string | (() => string | Promise<string>)): TokenSource {
  const ask = typeof given === "string" ? () => given : given;
  let token: Token | undefined;
  return {
    get: async () => {
      if (token === undefined || Date.now() >= token.renewAt) {
        const value = await ask();
        token = { value, renewAt: renewalOf(value) };
      }
      return token;
    },
    refused: (value) => {
      if (token?.value === value) token = undefined;
    },
  };
}

function signToken(key: KeyObject, lifetime: number): Token {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { permissions: ["*:*"], iat: now - BACKDATED, exp: now + lifetime };
  const content = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(content), { key, dsaEncoding: "ieee-p1363" });
  return { value: `${content}.${signature.toString("base64url")}`, renewAt: 1_000 * (now + lifetime * 0.75) };
}

/** When a token that somebody else signed is asked for again: half a minute before it ends, or in its last quarter. */
function renewalOf(value: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(value.split(".")[1] ?? "", "base64url").toString());
    if (typeof exp !== "number") return Number.POSITIVE_INFINITY;
    const left = 1_000 * exp - Date.now();
    return 1_000 * exp - Math.min(30_000, left / 4);
  } catch {
    return Number.POSITIVE_INFINITY; // not a JWT: a proxy's own token, good until it is refused
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function loadJwtKey(key: string): KeyObject {
  const isText = key.includes("-----BEGIN");
  const file = isText ? "given as text" : key;
  const pem = isText ? key : readKeyFile(key);
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyDetails?.namedCurve === "prime256v1") return privateKey;
  } catch {
    // The cause stays out: nothing of the key goes into an error.
  }
  throw new TenonError("JwtKeyInvalid", "The key for node tokens is not a P-256 private key in PEM", {
    args: { file },
    remedy: "Use the key file that came with the network's bundle (ES256).",
  });
}

function readKeyFile(file: string): string {
  let pem: string;
  let mode: number;
  try {
    pem = readFileSync(file, "utf8");
    mode = statSync(file).mode & 0o777;
  } catch (cause) {
    throw new TenonError("JwtKeyUnreadable", "The key file for node tokens cannot be read", {
      args: { file, reason: (cause as NodeJS.ErrnoException).code },
      remedy: "Give the path of the PEM file that came with the network's bundle.",
    });
  }
  if ((mode & 0o077) === 0 || process.platform === "win32") return pem;
  throw new TenonError("JwtKeyOpen", "The key file for node tokens can be read by others than its owner", {
    args: { file, mode: `0${mode.toString(8)}` },
    remedy: `chmod 600 ${file}`,
  });
}
