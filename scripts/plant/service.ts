import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TenonError } from "@tenon/sdk";

export interface ServiceOptions {
  name: string;
  command: readonly [string, ...string[]];
  /** The plant's state folder: the log goes to `logs/NAME.log`, the process id to `NAME.pid`. */
  state: string;
  env?: Record<string, string>;
  /** The service is up when it prints a line with this in it. */
  ready: RegExp;
  /** Start it again when it ends by itself, as a process supervisor would. */
  restart?: boolean;
}

/** Runs a command to its end and returns what it printed. Throws `CommandFailed` with its last words. */
export async function runCommand(
  name: string,
  [command, ...args]: readonly [string, ...string[]],
  { state, env = {}, expect = 0 }: { state: string; env?: Record<string, string>; expect?: 0 | "failure" },
): Promise<string> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env, FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  writeFileSync(join(state, "logs", `${name}.log`), output, { flag: "a" });
  if ((code === 0) === (expect === 0)) return output;
  throw new TenonError("CommandFailed", `${name} ended with ${code}, expected ${expect}`, {
    args: { command: [command, ...args].join(" "), output: output.trim().slice(-1_500) },
  });
}

/** A process of the plant: started, watched until it is ready, started again when it dies, stopped at the end. */
export class Service {
  readonly name: string;
  restarts = 0;
  #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Starts the process and resolves with the line that said it is ready. */
  async start(timeoutMs = 90_000): Promise<string> {
    const { name, state, ready } = this.#options;
    const [command, ...args] = this.#options.command;
    const log = createWriteStream(join(state, "logs", `${name}.log`), { flags: "a" });
    const child = spawn(command, args, {
      env: { ...process.env, ...this.#options.env, FORCE_COLOR: "0" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // so that Ctrl-C reaches the plant, which then stops its services in order
    });
    this.#child = child;
    writeFileSync(join(state, `${name}.pid`), `${child.pid}\n`);
    child.stderr?.pipe(log, { end: false });
    const tail: string[] = [];
    const line = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) =>
        reject(
          new TenonError("ServiceFailed", `The ${name} did not start: ${why}`, {
            args: { log: join(state, "logs", `${name}.log`), last: tail.join(" | ") },
            remedy: "Read the log; it says what the service refused.",
          }),
        );
      const timer = setTimeout(() => fail(`not ready after ${timeoutMs / 1000} s`), timeoutMs);
      for (const stream of [child.stdout, child.stderr]) {
        if (stream === null) continue;
        createInterface({ input: stream }).on("line", (text) => {
          if (stream === child.stdout) log.write(`${text}\n`);
          tail.push(text);
          if (tail.length > 5) tail.shift();
          if (ready.test(text)) {
            clearTimeout(timer);
            resolve(text);
          }
        });
      }
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        fail(`it ended with ${signal ?? `code ${code}`}`);
      });
    });
    if (this.#options.restart) {
      child.once("exit", () => {
        if (this.#stopping) return;
        this.restarts += 1;
        setTimeout(() => {
          if (!this.#stopping) this.start(timeoutMs).catch(() => this.#retryLater());
        }, 500);
      });
    }
    return line;
  }

  #retryLater(): void {
    setTimeout(() => {
      if (!this.#stopping) this.start().catch(() => this.#retryLater());
    }, 2_000);
  }

  /** Asks the process to end, and ends it after `graceMs` if it does not. */
  async stop(graceMs = 15_000): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await gone;
    clearTimeout(timer);
  }
}
