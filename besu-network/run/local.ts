import { spawn } from "node:child_process";
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, layout, type NodeEntry } from "../bundle/manifest.js";
import { allOf } from "./all.js";
import { followFiles, lastLines } from "./log.js";
import {
  claimPidFile,
  gone,
  identify,
  removePidFile,
  runningProcess,
  signal,
  writePidFile,
} from "./process.js";
import { type AwaitReady, awaitReady } from "./ready.js";
import { chosenNodes, type Runner } from "./runner.js";
import { requireBesu } from "./version.js";

/** A node that ends takes a few seconds; one that writes much, more. */
const STOP_MS = 60_000;

/** Heap of a node unless BESU_OPTS or JAVA_OPTS say otherwise: what a loaded validator was seen to need. */
const DEFAULT_HEAP = "-Xmx1g";

/** Runs nodes as processes of this machine's `besu`; they outlive the command that starts them. */
export class LocalRunner implements Runner {
  readonly #bundle: Bundle;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
  }

  async check(): Promise<string> {
    return (await requireBesu()).version;
  }

  async start(names?: readonly string[], started?: (name: string) => void): Promise<void> {
    const idle = chosenNodes(this.#bundle, names).filter(({ name }) => !this.#process(name));
    if (idle.length === 0) return;
    const { program } = await requireBesu();
    await requireFreePorts(idle);
    await allOf(
      idle.map(async (node) => {
        await awaitReady(this.#bundle, this.#launch(program, node));
        started?.(node.name);
      }),
    );
  }

  async stop(names?: readonly string[]): Promise<void> {
    await allOf(chosenNodes(this.#bundle, names).map(({ name }) => this.#end(name, "SIGTERM")));
  }

  async erase(): Promise<void> {
    await this.stop();
    for (const { name } of chosenNodes(this.#bundle)) {
      rmSync(this.#path(layout.data(name)), { recursive: true, force: true });
    }
  }

  async kill(name: string): Promise<void> {
    const [node] = chosenNodes(this.#bundle, [name]);
    await this.#end(node!.name, "SIGKILL");
  }

  async running(): Promise<Set<string>> {
    const names = chosenNodes(this.#bundle).map(({ name }) => name);
    return new Set(names.filter((name) => this.#process(name) !== undefined));
  }

  async logs(name: string, lines = 200): Promise<string[]> {
    const [node] = chosenNodes(this.#bundle, [name]);
    return lastLines(this.#path(layout.log(node!.name)), lines);
  }

  follow(
    names: readonly string[],
    line: (name: string, text: string) => void,
    ending: AbortSignal,
  ): Promise<void> {
    const nodes = chosenNodes(this.#bundle, names);
    return followFiles(new Map(nodes.map(({ name }) => [name, this.#path(layout.log(name))])), line, ending);
  }

  #path(inBundle: string): string {
    return join(this.#bundle.dir, inBundle);
  }

  #process(name: string) {
    return runningProcess(this.#path(layout.pid(name)));
  }

  /** Paths in a node's config are relative to its folder, so the process works there. */
  #launch(program: string, { name }: NodeEntry): AwaitReady {
    const pid = this.#path(layout.pid(name));
    claimPidFile(pid);
    rmSync(this.#path(layout.ipc(name)), { force: true }); // a killed node leaves it, and Besu would not bind
    const log = this.#path(layout.log(name));
    const output = openSync(log, "a", 0o600);
    const logFrom = statSync(log).size;
    try {
      const child = spawn(program, ["--config-file=config.toml"], {
        cwd: this.#path(layout.node(name)),
        detached: true,
        stdio: ["ignore", output, output],
        env: nodeEnvironment(process.env),
      });
      child.on("error", () => {}); // the exit is seen by its absence, the reason by the log
      child.unref();
      const identity = child.pid === undefined ? undefined : identify(child.pid);
      if (identity === undefined) removePidFile(pid);
      else writePidFile(pid, identity);
    } finally {
      closeSync(output);
    }
    return {
      name,
      alive: async () => this.#process(name) !== undefined,
      tail: (lines) => lastLines(log, lines, logFrom),
    };
  }

  async #end(name: string, how: "SIGTERM" | "SIGKILL"): Promise<void> {
    const running = this.#process(name);
    if (running !== undefined) {
      signal(running, how);
      if (!(await gone(running, STOP_MS))) throw stopping(name, running.pid);
    }
    removePidFile(this.#path(layout.pid(name)));
    rmSync(this.#path(layout.ipc(name)), { force: true });
  }
}

/**
 * What a node inherits. Besu takes every `BESU_…` variable for an option that outdoes the config file, so a shell's
 * leftovers would change a node behind its bundle's back: only the two for its start script stay.
 */
export function nodeEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(own).filter(([name]) => !name.startsWith("BESU_") || name === "BESU_HOME");
  const heap = own.BESU_OPTS ?? (own.JAVA_OPTS === undefined ? DEFAULT_HEAP : undefined);
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...(heap === undefined ? {} : { BESU_OPTS: heap }) };
}

/** Throws `PortInUse` with every port that another program holds. */
export async function requireFreePorts(nodes: readonly NodeEntry[]): Promise<void> {
  const taken: string[] = [];
  for (const { name, ports } of nodes) {
    for (const [use, port] of Object.entries(ports)) {
      if (port !== null && port !== 0 && !(await isFree(port))) taken.push(`${port} (${name}, ${use})`);
    }
  }
  if (taken.length === 0) return;
  throw new TenonError("PortInUse", "Another program holds ports that the nodes need", {
    args: { ports: taken.join(", ") },
    remedy: "End that program (ss -ltnp shows it), or create the network with another --port-base.",
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}

function stopping(name: string, pid: number): TenonError {
  return new TenonError("NodeStopping", "The node was asked to stop and still runs", {
    args: { node: name, pid, milliseconds: STOP_MS },
    remedy: `Look at its log; kill -9 ${pid} ends it (its database survives that).`,
  });
}
