import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../../oracle/src/cli.ts", import.meta.url));

/** The oracle as its operator runs it: `serve` in a process of its own, which takes signals. */
export class OracleProcess {
  /** Where it answers HTTP. */
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Resolves when the oracle says that it is ready; fails with what it said when it ends before. */
  static async start(configFile: string): Promise<OracleProcess> {
    const args = ["--import", import.meta.resolve("tsx"), cli, "serve", "--config", configFile];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const url = new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          output = (output + text).slice(-20_000);
          const ready = /^oracle ready at (\S+),/m.exec(output)?.[1];
          if (ready !== undefined) resolve(ready);
        });
      }
      child.once("exit", (code) => reject(new Error(`the oracle ended with ${code}:\n${output}`)));
    });
    return new OracleProcess(child, await url);
  }

  /** Stops it in good order; returns its exit code. */
  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  /** Ends it as a power cut would: `kill -9`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return exitCode;
    const exit = once(this.#child, "exit");
    this.#child.kill(signal);
    const [code] = await exit;
    return code as number | null;
  }
}
