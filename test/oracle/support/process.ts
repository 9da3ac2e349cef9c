import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../../oracle/src/cli.ts", import.meta.url));

/** What a command ended with. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A command of the oracle as a process of its own. */
export class OracleProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";
  #more: () => void = () => {};

  constructor(args: string[], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, ["--import", "tsx", cli, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (text) => {
      this.#stdout += String(text);
      this.#more();
    });
    this.#child.stderr?.on("data", (text) => {
      this.#stderr += String(text);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        this.#more();
      });
    });
  }

  /** The address it answers at, once it said that it is ready. */
  async ready(): Promise<string> {
    for (;;) {
      const url = /oracle ready at (\S+),/.exec(this.#stdout)?.[1];
      if (url !== undefined) return url;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the oracle ended before it was ready: ${this.#stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#more = resolve;
      });
    }
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }
}

/** Runs a command to its end. */
export function runOracle(...args: string[]): Promise<Ended> {
  return new OracleProcess(args).ended;
}
