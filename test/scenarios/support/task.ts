import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Wallet } from "ethers";
import type { ChainAccess } from "./chain.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const hardhat = join(root, "node_modules/hardhat/dist/src/cli.js");

/** Runs a task as a user does, with an account of its own; the answer is the last line it prints, JSON. */
export type Task = (account: Wallet, args: string[]) => Promise<Record<string, unknown>>;

/** Tasks in processes of their own on network `besu`, the one that is reached over HTTP. */
export function taskRunner(access: ChainAccess, records: string): Task {
  return async ({ privateKey }, args) => {
    const all = [hardhat, "--network", "besu", ...args, "--json", "--record", records];
    const env = { ...process.env, ...access.env, TENON_BESU_KEY: privateKey };
    const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: root, env });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, unknown>;
  };
}
