/**
 * Writes the section "Gas" of docs/performance.md from the exact figures of test/gas-snapshot.json.
 *
 *   npx tsx scripts/gas-table.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const docs = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
const snapshotFile = fileURLToPath(new URL("../test/gas-snapshot.json", import.meta.url));
const [begin, end] = ["<!-- gas: made by scripts/gas-table.ts -->", "<!-- end of gas -->"];

interface Goal {
  /** What the design asked for. */
  target?: number;
  /** The same or the nearest operation of a peer: whole transaction, measured under the same rules. */
  peer?: { name: string; gas: number };
}

const goals: Record<string, Goal> = {
  "Register a device, P-256 proof, owner is the manufacturer's own organisation": {
    target: 65_000,
    peer: { name: "OpenZeppelin 5.7 ERC-721, first mint, no device proof", gas: 68_759 },
  },
  "Register a device, P-256 proof, owner is another organisation": {
    peer: { name: "T-REX 4.1.6 registerIdentity, no device proof", gas: 79_566 },
  },
  "Register a device in a batch of 100, each with its proof": { target: 37_500 },
  "Register a device by voucher, P-256 proof and the maker's signature": {
    peer: { name: "ioID registration, second of a project, without its NFT", gas: 610_818 },
  },
  "Open a factory list of 10,000 devices": { target: 53_000 },
  "Activate a device from a factory list of 10,000": {
    target: 75_000,
    peer: { name: "indy-besu createDid, document of 622 bytes", gas: 596_160 },
  },
  "Transfer a device with both signatures": {
    target: 74_000,
    peer: { name: "ERC-4519 transfer, start and confirmation, three transactions", gas: 199_431 },
  },
  "Offer a device": { target: 51_000 },
  "Accept an offered device": {
    target: 53_000,
    peer: { name: "ERC-1056 changeOwner, one-sided, no history", gas: 51_725 },
  },
  "Engage a device with its new owner, P-256 proof": {
    peer: { name: "ERC-4519 ownerEngagement", gas: 57_999 },
  },
  "Lock a device, as a transaction": { target: 32_000 },
  "Rotate a device's key, both keys P-256": {
    peer: { name: "ONCHAINID addKey and removeKey, no proof by either key", gas: 242_467 },
  },
  "Place an encumbrance on an asset that had one before, lock pushed": { target: 56_000 },
  "Release the only encumbrance, lock pushed": { target: 29_000 },
  "Bind a certificate to a device": {
    peer: { name: "ONCHAINID addClaim", gas: 319_170 },
  },
  "Revoke a certificate": {
    peer: { name: "ERC-1056 revokeAttribute", gas: 33_670 },
  },
  "Anchor, average over the second epoch, sealing included": {
    target: 41_000,
    peer: { name: "EAS 1.9.0 timestamp, one new slot each", gas: 45_869 },
  },
  "Anchor, not the last of its epoch": {
    peer: { name: "EAS 1.9.0 attest of 32 bytes, seven new slots each", gas: 204_635 },
  },
  "Grant access to a key": {
    target: 54_000,
    peer: { name: "DIMO SACD setPermissions, first, no URI; no epoch, no expiry check", gas: 81_884 },
  },
  "Grant access with a sealed endpoint of 400 bytes": {
    peer: { name: "DIMO SACD setPermissions, first, URI of 66 bytes", gas: 170_381 },
  },
  "Change a pass": { target: 37_000, peer: { name: "DIMO SACD setPermissions, later", gas: 53_907 } },
  "Revoke a pass": { target: 37_000, peer: { name: "ONCHAINID removeKey", gas: 63_426 } },
  "Request a token": {
    target: 37_000,
    peer: { name: "DIMO SACD hasPermissions, a read: no token, no log", gas: 38_709 },
  },
  "Redeem a token, by the requester": { target: 36_000 },
  "Redeem a token, by the device's P-256 signature": { target: 46_500 },
  "Record 100 accesses, each": { target: 4_000 },
};

/** The section as it should stand for these figures. */
export function gasSection(snapshot: Record<string, number>): string {
  const rows = Object.entries(snapshot).map(([operation, gas]) => {
    const { target, peer } = goals[operation] ?? {};
    const aim = target === undefined ? "" : `≤ ${figure(target)}`;
    const other = peer === undefined ? "" : `${figure(peer.gas)} (${peer.name})`;
    const ratio = peer === undefined ? "" : `${(gas / peer.gas).toFixed(2)} ×`;
    return `| ${operation} | ${figure(gas)} | ${aim} | ${other} | ${ratio} |`;
  });
  return [
    begin,
    "| operation | gas | target | peer | ours ÷ peer |",
    "| --- | ---: | ---: | --- | ---: |",
    ...rows,
    end,
  ].join("\n");
}

/** The document with its section made anew. */
export function withGasSection(text: string, snapshot: Record<string, number>): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`docs/performance.md has no place for the table: ${begin} … ${end}`);
  return text.slice(0, from) + gasSection(snapshot) + text.slice(to + end.length);
}

export function readSnapshot(): Record<string, number> {
  return JSON.parse(readFileSync(snapshotFile, "utf8"));
}

function figure(value: number): string {
  return value.toLocaleString("en-US");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(docs, withGasSection(readFileSync(docs, "utf8"), readSnapshot()));
  console.log("docs/performance.md: section Gas written");
}
