import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { TenonError } from "../../sdk/src/errors.js";

/** Year, release of that year, patch. */
export type BesuVersion = readonly [number, number, number];

/**
 * The first release whose transaction selection keeps to the block period on chains from Shanghai on. Releases before
 * it may select for five seconds, which stretches a block of one second to more than ten under load.
 */
export const LEAST_BESU: BesuVersion = [26, 8, 1];

/**
 * Reads the version out of what `besu --version` prints or `web3_clientVersion` answers, `besu/v26.9.0/linux-…` or a
 * build between releases, `besu/v26.9-dev-683880ba/…`, which counts as the release it leads to; a node with an identity
 * puts it in between, `besu/validator1/v26.9.0/…`. Throws `BesuVersionUnreadable`.
 */
export function parseBesuVersion(text: string): BesuVersion {
  const match = /\bbesu\/(?:[^/\s]+\/)?v?(\d+)\.(\d+)(?:\.(\d+))?/i.exec(text);
  if (match !== null) return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  throw new TenonError("BesuVersionUnreadable", "This is not the version of a Besu", {
    args: { answer: text.trim().slice(0, 200) },
    remedy: "The program named besu must be Hyperledger Besu; set BESU_HOME to its folder.",
  });
}

/** Whether a release before `LEAST_BESU`. */
export function tooOld(version: BesuVersion): boolean {
  for (const [index, least] of LEAST_BESU.entries()) {
    const part = version[index]!;
    if (part !== least) return part < least;
  }
  return false;
}

/** Throws `BesuTooOld` for a Besu with the slow selection; gives the version as printed by Besu, shortened. */
export function checkBesuVersion(text: string, where: string): string {
  if (!tooOld(parseBesuVersion(text))) return shortVersion(text);
  throw new TenonError(
    "BesuTooOld",
    "This Besu has a fault that stretches blocks to over ten seconds under load",
    {
      args: { found: shortVersion(text), least: LEAST_BESU.join("."), where },
      remedy: `Install Besu ${LEAST_BESU.join(".")} or later: https://github.com/hyperledger/besu/releases.`,
    },
  );
}

/** `26.9.0` of `besu/v26.9.0/linux-x86_64/…`. */
export function shortVersion(text: string): string {
  return /\bbesu\/(?:[^/\s]+\/(?=v\d))?v?([^/\s]+)/i.exec(text)?.[1] ?? text.trim();
}

/** The besu program of this machine: `$BESU_HOME/bin/besu` when that is set, else the first on the PATH. */
export function findBesu(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { BESU_HOME: home, PATH = "" } = environment;
  const candidates =
    home === undefined || home === ""
      ? PATH.split(delimiter).map((folder) => join(folder, "besu"))
      : [join(home, "bin", "besu")];
  return candidates.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Path and version of the besu to run. Throws `BesuMissing`, `BesuTooOld`, `BesuUnusable`. */
export async function requireBesu(): Promise<{ program: string; version: string }> {
  const program = findBesu();
  if (program === undefined) throw besuMissing();
  return { program, version: checkBesuVersion(await printedVersion(program), program) };
}

async function printedVersion(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: 60_000 });
    return stdout;
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim().split("\n").at(-1);
    throw new TenonError("BesuUnusable", "Besu does not even print its version", {
      args: { program, reason: said || (cause instanceof Error ? cause.message : cause) },
      remedy: "Besu 26.6 and later need Java 25: set JAVA_HOME to one, and try besu --version.",
      cause,
    });
  }
}

function besuMissing(): TenonError {
  const home = process.env.BESU_HOME;
  return new TenonError("BesuMissing", "There is no besu on this machine", {
    args: { lookedIn: home ? `BESU_HOME (${home})` : "the PATH; BESU_HOME is not set" },
    remedy: `${howToGetBesu} Or make the bundle for Docker: network create --mode docker.`,
  });
}

/** One line for whoever has none. */
export const howToGetBesu =
  "Download Besu from https://github.com/hyperledger/besu/releases, unpack it, install Java 25, and set BESU_HOME to its folder.";
