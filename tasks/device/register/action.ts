import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { fromHex, type Hex } from "../../../sdk/src/bytes.js";
import { createTenon } from "../../../sdk/src/client.js";
import { loadOrCreateKey } from "../../../sdk/src/device/key.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { print, withTenon } from "../../tenon.js";

/** How long the device's proof counts; the transaction follows at once. */
const PROOF_SECONDS = 3_600;

interface RegisterArguments {
  key: string | undefined;
  owner: number;
  from: string | undefined;
  parameters: string | undefined;
  certificate: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: RegisterArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    const { key: keyFile, owner } = args;
    if (keyFile === undefined || owner < 1) {
      throw new TenonError("OptionMissing", "A registration needs the device's key and its owner", {
        args: { key: keyFile, owner: owner < 1 ? undefined : owner },
        remedy: "Give --key device.pem and --owner with the number of an organisation.",
      });
    }
    const hashes = {
      ...(args.parameters === undefined ? {} : { parametersHash: checkedHash(args.parameters) }),
      ...(args.certificate === undefined ? {} : { certificateHash: certificateHash(args.certificate) }),
    };
    await withTenon(hre, args.record, async ({ deployment, devices }, { ethers }) => {
      const { timestamp } = (await ethers.provider.getBlock("latest"))!;
      const deadline = Math.max(timestamp, Math.floor(Date.now() / 1000)) + PROOF_SECONDS;
      const signer = await signerFor(ethers, args.from);
      const made = !existsSync(keyFile);
      const device = loadOrCreateKey(keyFile);
      if (made && !args.json) console.log(`Made a P-256 key in ${keyFile}. It is the device: keep it safe.`);
      const registration = devices.registration({ owner, deadline, ...hashes });
      const proof = device.signRegistration(registration);
      const writer = await createTenon({ signer, deployment });
      const { id, owner: holder, at } = await writer.devices.register(device.key, registration, proof).wait();
      print({ device: id, owner: holder, block: at.block, transaction: at.transaction }, args.json);
    });
  });

async function signerFor(
  ethers: Parameters<Parameters<typeof withTenon>[2]>[1]["ethers"],
  from: string | undefined,
) {
  const signers = await ethers.getSigners();
  const found =
    from === undefined ? signers[0] : signers.find((one) => one.address.toLowerCase() === from.toLowerCase());
  if (found !== undefined) return found;
  throw new TenonError("AccountUnavailable", "The network has no key for this account", {
    args: {
      from: from ?? "the first account",
      available: signers.map((one) => one.address).join(", ") || "none",
    },
    remedy: "Name one of these with --from; for network besu set TENON_BESU_KEY to the account's key.",
  });
}

function checkedHash(hash: string): Hex {
  fromHex(hash, 32);
  return hash as Hex;
}

function certificateHash(path: string): Hex {
  try {
    const der = new X509Certificate(readFileSync(path)).raw;
    return `0x${createHash("sha256").update(der).digest("hex")}`;
  } catch (cause) {
    throw new TenonError("CertificateUnreadable", "The file holds no X.509 certificate", {
      args: { file: path, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Give the factory certificate in PEM or DER, or leave --certificate out.",
      cause,
    });
  }
}
