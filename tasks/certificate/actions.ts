import { readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../sdk/src/bytes.js";
import {
  type AuthorityKind,
  type RevocationReason,
  revocationReasons,
} from "../../sdk/src/devices/certificates.js";
import { TenonError } from "../../sdk/src/errors.js";
import { day, momentOf, organisationOf, perform, table, type WriteArguments } from "../perform.js";
import { answering } from "../run.js";
import { print, toJson, withTenon } from "../tenon.js";

interface ChainArguments {
  device: string;
  file: string;
}

export const admit = (
  args: WriteArguments & {
    file: string;
    organisation: string | undefined;
    kind: string | undefined;
    until: string | undefined;
  },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  perform(
    hre,
    args,
    ({ certificates }) =>
      certificates.admit({
        certificate: bytesOf(args.file),
        organisation: organisationOf(args.organisation ?? ""),
        kind: kindOf(args.kind),
        ...(args.until === undefined ? {} : { until: momentOf(args.until, undefined, 0) }),
      }),
    ({ at, ...authority }) => ({ ...authority, until: day(authority.until), block: at.block }),
  );

export const renew = (
  args: WriteArguments & { authority: string; until: string | undefined; days: string | undefined },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  perform(
    hre,
    args,
    ({ certificates }) => {
      const until = momentOf(args.until, args.days, Math.floor(Date.now() / 1000));
      return certificates.renew(numberOf(args.authority), until);
    },
    ({ authority, until, at }) => ({ authority, until: day(until), block: at.block }),
    ({ method, args: given }) => method === "renewAuthority" && given[0]?.value === args.authority,
  );

export const revokeAuthority = (
  args: WriteArguments & { authority: string; reason: string | undefined },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  perform(
    hre,
    args,
    ({ certificates }) => certificates.revokeAuthority(numberOf(args.authority), reasonOf(args.reason)),
    ({ authority, at }) => ({ authority, revoked: true, block: at.block }),
  );

export const check = (
  args: ChainArguments & { record: string | undefined; json: boolean },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ certificates }) => {
      const { checked, authority } = await certificates.prepare(args.device as Hex, bytesOf(args.file));
      const { hash, boundBy, notAfter, serialNumber = "none", remarks } = checked;
      const chain = await certificates.explain(args.device as Hex, hash);
      const shown = { hash, authority, boundBy, serialNumber, until: day(notAfter), chain };
      print(remarks.length === 0 ? shown : { ...shown, remarks: remarks.join("; ") }, args.json);
    }),
  );

export const bind = (args: WriteArguments & ChainArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    async ({ certificates }) => {
      const prepared = await certificates.prepare(args.device as Hex, bytesOf(args.file));
      return certificates.bind(prepared.authority, [prepared]);
    },
    (bound) => {
      const { hash, authority, until, epoch, at } = bound[0]!;
      return { device: args.device, hash, authority, until: day(until), epoch, block: at.block };
    },
  );

export const revoke = (
  args: WriteArguments & { hash: string; reason: string | undefined },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  perform(
    hre,
    args,
    ({ certificates }) => certificates.revoke(args.hash as Hex, reasonOf(args.reason)),
    ({ hash, at }) => ({ hash, revoked: true, block: at.block }),
  );

export const show = (
  { device, record, json }: { device: string; record: string | undefined; json: boolean },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ certificates }) => {
      const all = await (device === "" ? certificates.authorities() : certificates.list(device as Hex));
      if (json) console.log(toJson(all));
      else if (all.length === 0) console.log("none");
      else console.log(table([Object.keys(all[0]!).filter(isShown), ...all.map(row)]));
    }),
  );

const isShown = (field: string) => field !== "at" && field !== "device";

function row(one: object): string[] {
  return Object.entries(one)
    .filter(([field]) => isShown(field))
    .map(([field, value]) => (field === "until" || field === "since" ? day(value) : String(value)));
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new TenonError("CertificateUnreadable", "The file cannot be read", {
      args: { file, reason: (cause as NodeJS.ErrnoException).code },
      remedy: "Name a file with certificates in PEM or DER.",
      cause,
    });
  }
}

function kindOf(text: string | undefined): AuthorityKind {
  if (text === "Factory" || text === "Owner") return text;
  throw new TenonError("OptionInvalid", "An authority is a factory's or an owner's", {
    args: { kind: text },
    remedy: "Give --kind Factory or --kind Owner.",
  });
}

function reasonOf(text = "unspecified"): RevocationReason {
  if (text in revocationReasons) return text as RevocationReason;
  throw new TenonError("OptionInvalid", "This is no reason for a revocation", {
    args: { reason: text },
    remedy: `Give --reason as one of ${Object.keys(revocationReasons).join(", ")}.`,
  });
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new TenonError("OptionInvalid", "Authorities are numbered from 1", {
    args: { given: text },
    remedy: "npx hardhat certificate show lists them.",
  });
}
