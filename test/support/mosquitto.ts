import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Credential } from "../../oracle/src/broker.js";
import { writeMosquittoFiles } from "../../oracle/src/mosquitto.js";
import type { Hex } from "../../sdk/src/bytes.js";

/** Why tests with a real Mosquitto cannot run here; undefined when they can. */
export function mosquittoMissing(): string | undefined {
  if (mosquittoPath() === undefined) return "mosquitto is not installed (Debian: apt-get install mosquitto)";
  if (spawnSync("openssl", ["version"]).status !== 0)
    return "openssl is not installed (it makes the certificates)";
  return undefined;
}

function mosquittoPath(): string | undefined {
  // Debian keeps it where ordinary users' PATH does not look.
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, "mosquitto")).find((path) => existsSync(path));
}

export interface MosquittoTestOptions {
  oracle: Credential;
  devices: { device: Hex; password: string }[];
}

/** A real Mosquitto on loopback with TLS, its certificates made on the spot, in a folder of its own. */
export class Mosquitto {
  readonly #folder: string;
  readonly #options: MosquittoTestOptions;
  readonly #ports: { device: number; oracle: number };
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(
    folder: string,
    options: MosquittoTestOptions,
    ports: { device: number; oracle: number },
  ) {
    this.#folder = folder;
    this.#options = options;
    this.#ports = ports;
  }

  static async start(options: MosquittoTestOptions): Promise<Mosquitto> {
    const folder = mkdtempSync(join(tmpdir(), "tenon-mosquitto-"));
    makeCertificates(join(folder, "tls"));
    const ports = { device: await freePort(), oracle: await freePort() };
    const mosquitto = new Mosquitto(folder, options, ports);
    await mosquitto.restart();
    return mosquitto;
  }

  /** Where devices connect. */
  get deviceUrl(): string {
    return `mqtts://127.0.0.1:${this.#ports.device}`;
  }

  /** Where the oracle connects. */
  get oracleUrl(): string {
    return `mqtts://127.0.0.1:${this.#ports.oracle}`;
  }

  /** Path of the certificate of the authority that signed the broker's. */
  get caFile(): string {
    return join(this.#folder, "tls", "ca.pem");
  }

  /** PEM of the certificate of the authority that signed the broker's. */
  get ca(): string {
    return readFileSync(this.caFile, "utf8");
  }

  /** What Mosquitto has printed. */
  get output(): string {
    return this.#output;
  }

  /** Starts it (again) on the same ports and folder; with `forget`, without its stored sessions. */
  async restart({ forget = false } = {}): Promise<void> {
    if (forget) rmSync(join(this.#folder, "broker", "sessions"), { recursive: true, force: true });
    const file = (name: string) => join(this.#folder, "tls", name);
    const config = writeMosquittoFiles({
      ...this.#options,
      dir: join(this.#folder, "broker"),
      deviceListener: { port: this.#ports.device, address: "127.0.0.1" },
      oracleListener: { port: this.#ports.oracle, address: "127.0.0.1" },
      tls: { ca: file("ca.pem"), cert: file("broker.pem"), key: file("broker.key") },
      runAs: userInfo().username,
    });
    const child = spawn(mosquittoPath()!, ["-c", config, "-v"], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-100_000);
      });
    }
    await Promise.all([this.#ready(this.#ports.device), this.#ready(this.#ports.oracle)]);
  }

  /** Ends it in good order, or as a crash with `SIGKILL`; sessions stay for a restart as far as it stored them. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    await gone;
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(port: number): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (this.#process?.exitCode !== null) break;
      if (await canConnect(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`Mosquitto did not start:\n${this.#output}`);
  }
}

function makeCertificates(dir: string): void {
  mkdirSync(dir);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = [
    "-addext",
    "basicConstraints=critical,CA:TRUE",
    "-addext",
    "keyUsage=critical,keyCertSign",
  ];
  openssl(
    "req",
    "-x509",
    ...newKey,
    ...authority,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
  );
  const name = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-subj", "/CN=localhost"];
  openssl("req", ...newKey, ...name, "-keyout", "broker.key", "-out", "broker.csr");
  const issue = [
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-copy_extensions",
    "copy",
    "-days",
    "2",
  ];
  openssl("x509", "-req", "-in", "broker.csr", ...issue, "-out", "broker.pem");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
