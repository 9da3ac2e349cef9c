import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { fromHex, type Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";

/** The hashes that a registration fixes, from what a task was given. */
export function hashesFrom({
  parameters,
  certificate,
}: {
  parameters: string | undefined;
  certificate: string | undefined;
}): { parametersHash?: Hex; certificateHash?: Hex } {
  return {
    ...(parameters === undefined ? {} : { parametersHash: checkedHash(parameters) }),
    ...(certificate === undefined ? {} : { certificateHash: certificateHash(certificate) }),
  };
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
