import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { TenonError } from "../../sdk/src/errors.js";
import type { Bundle } from "../bundle/manifest.js";
import { allOf } from "./all.js";
import { awaitReady } from "./ready.js";
import { chosenNodes, type Runner } from "./runner.js";
import { checkBesuVersion } from "./version.js";

/** The proxy and the monitoring of a bundle's compose file start and stop with the whole bundle. */
const WHOLE = undefined;

/** Runs nodes as containers of the bundle's compose file; services have the nodes' names. */
export class DockerRunner implements Runner {
  readonly #bundle: Bundle;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
  }

  async check(): Promise<string> {
    await requireDocker();
    return checkBesuVersion(`besu/${this.#bundle.manifest.besu}`, "network.json");
  }

  async start(names?: readonly string[], started?: (name: string) => void): Promise<void> {
    const nodes = chosenNodes(this.#bundle, names).map(({ name }) => name);
    if (nodes.length === 0) return; // to compose, none named is all
    await this.check();
    const before = await this.running();
    await this.#compose(["up", "--detach", ...(names === WHOLE ? [] : nodes)]);
    const waits = nodes.filter((name) => !before.has(name));
    await allOf(
      waits.map((name) =>
        awaitReady(this.#bundle, {
          name,
          alive: async () => (await this.running()).has(name),
          tail: (lines) => this.logs(name, lines),
        }).then(() => started?.(name)),
      ),
    );
  }

  /** Containers are removed, volumes stay. */
  async stop(names?: readonly string[]): Promise<void> {
    const nodes = chosenNodes(this.#bundle, names).map(({ name }) => name);
    if (nodes.length === 0) return;
    await this.#compose(names === WHOLE ? ["down"] : ["stop", "--timeout", "60", ...nodes]);
  }

  async erase(): Promise<void> {
    await this.#compose(["down"]);
    const { stdout } = await this.#compose(["config", "--format", "json"]);
    const { volumes } = JSON.parse(stdout) as { volumes: Record<string, { name: string }> };
    const chains = chosenNodes(this.#bundle).flatMap(({ name }) => volumes[`${name}-data`]?.name ?? []);
    await docker(["volume", "rm", "--force", ...chains], this.#bundle.dir);
  }

  async kill(name: string): Promise<void> {
    const [node] = chosenNodes(this.#bundle, [name]);
    await this.#compose(["kill", node!.name]);
  }

  async running(): Promise<Set<string>> {
    const own = new Set(chosenNodes(this.#bundle).map(({ name }) => name));
    const { stdout } = await this.#compose(["ps", "--services", "--status", "running"]);
    return new Set(stdout.split("\n").filter((service) => own.has(service)));
  }

  async logs(name: string, lines = 200): Promise<string[]> {
    const [node] = chosenNodes(this.#bundle, [name]);
    const { stdout } = await this.#compose([
      "logs",
      "--no-color",
      "--no-log-prefix",
      "--tail",
      String(lines),
      node!.name,
    ]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  async follow(
    names: readonly string[],
    line: (name: string, text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await Promise.all(
      chosenNodes(this.#bundle, names).map(({ name }) => this.#followOne(name, line, signal)),
    );
  }

  async #followOne(name: string, line: (name: string, text: string) => void, signal: AbortSignal) {
    const child = spawn(
      "docker",
      ["compose", "logs", "--no-color", "--no-log-prefix", "--tail", "0", "--follow", name],
      {
        cwd: this.#bundle.dir,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    child.on("error", () => {}); // without docker there is nothing to follow, as `logs` has told
    signal.addEventListener("abort", () => child.kill(), { once: true });
    for await (const text of createInterface({ input: child.stdout })) line(name, text);
  }

  #compose(args: readonly string[]): Promise<{ stdout: string }> {
    return docker(["compose", ...args], this.#bundle.dir);
  }
}

/** `docker …` in a bundle. Throws `DockerMissing`, or `DockerFailed` with what it said. */
export async function docker(args: readonly string[], dir: string): Promise<{ stdout: string }> {
  try {
    return await promisify(execFile)("docker", args, { cwd: dir, maxBuffer: 64 << 20 });
  } catch (cause) {
    await requireDocker();
    const said = (cause as { stderr?: string }).stderr?.trim().split("\n").slice(-3).join(" · ");
    throw new TenonError("DockerFailed", "Docker did not do it", {
      args: { command: `docker ${args.join(" ")}`, reason: said || cause },
      remedy: "Run the command in the bundle's folder to see all of what it says.",
      cause,
    });
  }
}

/** What of Docker this machine has. */
export type DockerState = "works" | "no-client" | "no-compose" | "no-engine";

export async function dockerState(): Promise<DockerState> {
  const asked = async (...args: string[]) => {
    try {
      await promisify(execFile)("docker", args, { timeout: 20_000 });
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : false;
    }
  };
  const client = await asked("--version");
  if (client !== true) return "no-client";
  if (!(await asked("compose", "version"))) return "no-compose";
  return (await asked("version", "--format", "{{.Server.Version}}")) ? "works" : "no-engine";
}

const dockerFaults: Record<Exclude<DockerState, "works">, [string, string]> = {
  "no-client": [
    "There is no docker on this machine",
    "Install Docker: https://docs.docker.com/engine/install.",
  ],
  "no-compose": [
    "This docker has no compose",
    "Install the compose plugin: https://docs.docker.com/compose/install.",
  ],
  "no-engine": [
    "Docker's engine does not answer",
    "Start it (systemctl start docker, or Docker Desktop), or run as a user who may use it.",
  ],
};

/** Throws `DockerMissing` with what to do, and with the way that needs no Docker. */
export async function requireDocker(): Promise<void> {
  const state = await dockerState();
  if (state === "works") return;
  const [message, remedy] = dockerFaults[state];
  throw new TenonError("DockerMissing", message, {
    args: { state },
    remedy: `${remedy} Or, with Besu on this machine, make the bundle with network create --mode local.`,
  });
}
