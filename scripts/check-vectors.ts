/**
 * Runs public test vectors through what checks signatures here: the precompile of EIP-7951, the contracts' library, the SDK.
 * Prints how many agree, and ends with exit code 1 when one does not.
 *
 * Counted apart are valid secp256k1 signatures whose point R has an x beyond the group's order: `ecrecover` has no number
 * for them, so contracts refuse them. Only a forger of vectors meets one: an honest signer would in 2^128 signatures.
 *
 *   npx tsx scripts/check-vectors.ts DIR [--network besu]
 *
 * DIR is a folder, searched with its subfolders, that holds any of
 *   test-vectors.json                              ethereum/EIPs, assets/eip-7951 (CC0)
 *   ecdsa_secp256r1_sha256_p1363_test.json         C2SP/wycheproof, testvectors_v1 (Apache-2.0), like the following
 *   ecdsa_secp256r1_sha256_test.json               signatures in DER
 *   ecdsa_secp256k1_sha256_p1363_test.json
 *   ecdsa_secp256k1_sha256_test.json               signatures in DER
 *   ed25519_test.json                              the SDK alone: no contract verifies Ed25519
 *
 * On the network named nothing is sent: the library is called under an overridden state. `npm run build` comes first.
 */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { network } from "hardhat";
import { fromHex, toHex } from "../sdk/src/bytes.js";
import { multikey } from "../sdk/src/did/multikey.js";
import { verifyByDocument } from "../sdk/src/did/verify.js";
import { TenonError } from "../sdk/src/errors.js";
import { lowS, verifySignature } from "../sdk/src/frame/cose.js";
import { signatureFromDer } from "../sdk/src/frame/der.js";
import { algorithmOf, type DeviceKey, importDeviceKey } from "../sdk/src/frame/key.js";
import { type EcdsaCase, type Rpc, verifiedByContract } from "./vectors/contract.js";

/** One case of a file: what it is called, what is right, and what each of ours says. */
interface Verdict {
  readonly name: string;
  readonly valid: boolean;
  readonly answers: Readonly<Record<string, boolean>>;
  /** A valid signature that contracts cannot know as such. */
  readonly beyondOrder?: boolean;
}

/** secp256k1: below this, r may be the x of R less the order. Field prime less order (SEC 2, 2.4.1). */
const BEYOND_ORDER = 0x14551231950b75fc4402da1722fc9baeen;

interface Group {
  publicKey: { uncompressed?: string; pk?: string };
  tests: {
    tcId: number;
    comment: string;
    msg: string;
    sig: string;
    result: "valid" | "invalid" | "acceptable";
  }[];
}

/** What a file of Wycheproof holds, by its name. */
const ecdsaFiles: Record<string, { curve: DeviceKey["curve"]; der: boolean }> = {
  "ecdsa_secp256r1_sha256_p1363_test.json": { curve: 1, der: false },
  "ecdsa_secp256r1_sha256_test.json": { curve: 1, der: true },
  "ecdsa_secp256k1_sha256_p1363_test.json": { curve: 8, der: false },
  "ecdsa_secp256k1_sha256_test.json": { curve: 8, der: true },
};

async function main(folder: string, networkName: string): Promise<boolean> {
  const connection = await network.create({ network: networkName });
  const rpc: Rpc = (method, params) => connection.provider.request({ method, params });
  const files = globSync(join(folder, "**/*.json")).sort();
  const results: [file: string, verdicts: Verdict[]][] = [];
  for (const file of files) {
    const name = basename(file);
    const read = () => JSON.parse(readFileSync(file, "utf8"));
    if (name === "test-vectors.json") results.push([name, await precompileVerdicts(rpc, read())]);
    else if (ecdsaFiles[name])
      results.push([name, await ecdsaVerdicts(rpc, read().testGroups, ecdsaFiles[name])]);
    else if (name === "ed25519_test.json") results.push([name, ed25519Verdicts(read().testGroups)]);
  }
  await connection.close();
  if (results.length === 0) {
    throw new TenonError("VectorsMissing", "The folder holds no vectors this script knows", {
      args: { folder },
      remedy: "Get the files that are named at the head of this script.",
    });
  }
  return results.map(([file, verdicts]) => report(file, verdicts)).every((good) => good);
}

interface PrecompileVector {
  Input: string;
  Expected: string;
  Name: string;
}

async function precompileVerdicts(rpc: Rpc, vectors: PrecompileVector[]): Promise<Verdict[]> {
  const cases = vectors.map(({ Input }) => precompileCase(fromHex(`0x${Input}`, 160)));
  const contract = await verifiedByContract(rpc, cases);
  const verdicts: Verdict[] = [];
  for (const [i, { Input, Expected, Name }] of vectors.entries()) {
    const to = `0x${"100".padStart(40, "0")}`;
    const answer = await rpc("eth_call", [{ to, data: `0x${Input}` }, "latest"]);
    const valid = Expected !== "";
    // Anything but the expected bytes counts as the wrong verdict.
    const precompile = answer === `0x${Expected}` ? valid : !valid;
    verdicts.push({ name: Name, valid, answers: { precompile, contract: contract[i]! } });
  }
  return verdicts;
}

function precompileCase(input: Uint8Array): EcdsaCase {
  const [digest, r, s, x, y] = Array.from({ length: 5 }, (_, i) =>
    toHex(input.subarray(32 * i, 32 * i + 32)),
  );
  return { key: { curve: 1, x: x!, y: y! }, digest: digest!, r: r!, s: s! };
}

async function ecdsaVerdicts(
  rpc: Rpc,
  groups: Group[],
  { curve, der }: { curve: DeviceKey["curve"]; der: boolean },
): Promise<Verdict[]> {
  const all = groups.flatMap(({ publicKey, tests }) => {
    const point = fromHex(`0x${publicKey.uncompressed}`, 65);
    const key: DeviceKey = { curve, x: toHex(point.subarray(1, 33)), y: toHex(point.subarray(33)) };
    return tests.map((test) => ({ test, key, signature: signatureOf(fromHex(`0x${test.sig}`), der) }));
  });
  const contract = await verifiedByContract(
    rpc,
    all.map(({ test, key, signature = new Uint8Array(64) }) => {
      const digest = toHex(
        createHash("sha256")
          .update(fromHex(`0x${test.msg}`))
          .digest(),
      );
      const low = lowS(signature, algorithmOf(key));
      return { key, digest, r: toHex(low.subarray(0, 32)), s: toHex(low.subarray(32)) };
    }),
  );
  return all.map(({ test, key, signature }, i) => ({
    name: `#${test.tcId} ${test.comment}`,
    valid: test.result === "valid",
    beyondOrder: curve === 8 && signature !== undefined && rOf(signature) < BEYOND_ORDER,
    answers: {
      contract: signature !== undefined && contract[i]!,
      SDK: signature !== undefined && sdkVerifies(key, fromHex(`0x${test.msg}`), signature),
    },
  }));
}

function rOf(signature: Uint8Array): bigint {
  return BigInt(toHex(signature.subarray(0, 32)));
}

/** The 64 bytes a verifier takes; `undefined` for bytes that are no signature, which is a verdict too. */
function signatureOf(bytes: Uint8Array, der: boolean): Uint8Array | undefined {
  if (!der) return bytes.length === 64 ? bytes : undefined;
  try {
    return signatureFromDer(bytes);
  } catch (error) {
    if (error instanceof TenonError && error.code === "SignatureDerInvalid") return undefined;
    throw error;
  }
}

function sdkVerifies(key: DeviceKey, message: Uint8Array, signature: Uint8Array): boolean {
  return verifySignature(message, signature, algorithmOf(key), importDeviceKey(key));
}

function ed25519Verdicts(groups: Group[]): Verdict[] {
  return groups.flatMap(({ publicKey, tests }) => {
    const text = multikey({ kind: "Ed25519", bytes: fromHex(`0x${publicKey.pk}`, 32) });
    const id = "did:example:1";
    const method = { id: `${id}#key`, type: "Multikey", controller: id, publicKeyMultibase: text };
    const document = { id, verificationMethod: [method], assertionMethod: [method.id] };
    return tests.map(({ tcId, comment, msg, sig, result }) => {
      const message = fromHex(`0x${msg}`);
      const SDK = verifyByDocument(document, { message, signature: fromHex(`0x${sig}`) }) !== undefined;
      return { name: `#${tcId} ${comment}`, valid: result === "valid", answers: { SDK } };
    });
  });
}

function report(file: string, verdicts: Verdict[]): boolean {
  const valid = verdicts.filter((one) => one.valid).length;
  console.log(`${file}: ${verdicts.length} cases, ${valid} valid`);
  const counted = Object.keys(verdicts[0]!.answers).map((who) => {
    const missed = verdicts.filter((one) => one.answers[who] !== one.valid);
    const unseen = missed.filter((one) => who === "contract" && one.valid && one.beyondOrder);
    const wrong = missed.filter((one) => !unseen.includes(one));
    const apart = unseen.length === 0 ? "" : `, ${unseen.length} refused because R lies beyond the order`;
    console.log(`  ${who}: ${verdicts.length - missed.length} agree, ${wrong.length} disagree${apart}`);
    for (const { name } of wrong) console.log(`    ${name}`);
    return wrong.length;
  });
  return counted.every((wrong) => wrong === 0);
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { network: { type: "string", default: "default" } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error(
    "npx tsx scripts/check-vectors.ts DIR [--network besu]; see the head of the script for what DIR holds",
  );
  process.exitCode = 2;
} else {
  process.exitCode = (await main(folder, values.network)) ? 0 : 1;
}
