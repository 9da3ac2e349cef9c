import { readFileSync } from "node:fs";
import { TenonError } from "../../sdk/src/errors.js";
import { optional } from "../options.js";

const VARIABLE = "TENON_BACKUP_PASSPHRASE";

export const passphraseOption = optional(
  "passphraseFile",
  `File with the passphrase (unless ${VARIABLE} holds it)`,
);

/** The passphrase of a backup; never an argument, because other users of a machine can read those. */
export function passphraseFrom(file: string | undefined): string {
  const given = file === undefined ? process.env[VARIABLE] : readFile(file);
  const passphrase = given?.replace(/\r?\n$/, "") ?? "";
  if (passphrase !== "") return passphrase;
  throw new TenonError(
    "PassphraseMissing",
    "A backup holds a node's key and is encrypted under a passphrase",
    {
      remedy: `Put it into the variable ${VARIABLE}, or into a file given with --passphrase-file.`,
    },
  );
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TenonError("PassphraseMissing", "The file with the passphrase cannot be read", {
      args: { file: path, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Give a file that you may read and others may not.",
      cause,
    });
  }
}
