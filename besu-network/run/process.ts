import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { TenonError } from "../../sdk/src/errors.js";

/**
 * A process by what makes it one: its number is given again to others, so a file that only holds the number would
 * one day have a stranger killed.
 */
export interface ProcessIdentity {
  pid: number;
  /** When it started, as the system tells it; with the boot on Linux, where it counts from the boot. */
  started: string;
}

/** The identity of a running process; undefined when there is none, or only its remains (a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === "linux" ? startedOnLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

function startedOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything, so count from its end: state is field 3, the start time field 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function startedElsewhere(pid: number): string | undefined {
  try {
    const line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return line === "" || line.startsWith("Z") ? undefined : line.split(/\s+/).slice(1).join(" ");
  } catch {
    return undefined;
  }
}

/** The process that a pid file names, if it is still that one. */
export function runningProcess(file: string): ProcessIdentity | undefined {
  let [pid, started]: string[] = [];
  try {
    [pid, started] = readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return undefined;
  }
  const found = identify(Number(pid));
  return found !== undefined && found.started === started ? found : undefined;
}

export function writePidFile(file: string, { pid, started }: ProcessIdentity): void {
  writeFileSync(file, `${pid}\n${started}\n`, { mode: 0o600 });
}

/**
 * Holds the file for this process until `writePidFile` names the one it starts, so that of two commands at once only one
 * starts a node. Throws `NodeStarting` when another one has it.
 */
export function claimPidFile(file: string): void {
  if (runningProcess(file) === undefined) removePidFile(file);
  const { pid, started } = identify(process.pid)!;
  try {
    writeFileSync(file, `${pid}\n${started}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new TenonError("NodeStarting", "Another command is starting this node", {
      args: { file, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Wait for it; npx hardhat network status shows what runs.",
      cause,
    });
  }
}

export function removePidFile(file: string): void {
  rmSync(file, { force: true });
}

/** Sends a signal to exactly this process; nothing when it is gone. */
export function signal({ pid, started }: ProcessIdentity, name: NodeJS.Signals): void {
  if (identify(pid)?.started !== started) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Waits until the process is gone; false when it is still there after the time. */
export async function gone({ pid, started }: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (identify(pid)?.started === started) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}
