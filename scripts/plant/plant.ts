import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTenon, type Deployment, type DeviceKey, loadDeployment, type Tenon } from "@tenon/sdk";
import { type DeviceSigner, loadOrCreateKey } from "@tenon/sdk/device";
import type { JsonRpcApiProvider, Wallet } from "ethers";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { freePort, type PlantChain, startEmbedded, useNetwork } from "./chain.js";
import { enrolByList } from "./enrolment.js";
import { Machine, machineKey } from "./machines.js";
import type { PlantOptions } from "./options.js";
import { OracleClient } from "./oracle-client.js";
import { loadKeys, membersFile, type Person } from "./people.js";
import { runCommand, Service } from "./service.js";
import { bold, dim, View } from "./view.js";

const MACHINES = 12;

/** The oracle's command line, as one process: its id is the one to signal. */
export const ORACLE = [process.execPath, "--import", "tsx", "oracle/src/cli.ts"] as const;

/**
 * Everything that runs: the oracle, and the chain unless a Besu network is given, as processes of their own, broker and
 * machines in this one.
 */
export class Plant {
  readonly view = new View();
  readonly options: PlantOptions;
  readonly machines: Machine[] = [];
  readonly signers: DeviceSigner[] = [];
  people!: Record<Person, Wallet>;
  chain!: PlantChain;
  deployment!: Deployment;
  /** Path of the deployment record. */
  record = "";
  tenon!: Tenon;
  oracle!: OracleClient;
  #oracleService: Service | undefined;
  #broker: EmbeddedBroker | undefined;
  #watch: NodeJS.Timeout | undefined;
  #passwords = new Map<string, string>();
  #stopped: Promise<void> | undefined;
  #received = { before: 0, last: 0 };

  constructor(options: PlantOptions) {
    this.options = options;
  }

  get state(): string {
    return this.options.state;
  }

  get provider(): JsonRpcApiProvider {
    return this.chain.provider;
  }

  /** Frames the machines have made in this run. */
  get made(): number {
    return this.machines.reduce((sum, machine) => sum + machine.made, 0);
  }

  async start(): Promise<void> {
    const { view, state } = this;
    view.say(bold("A plant in a box"));
    view.say(dim(`everything is kept in ${state}`));
    this.people = loadKeys(state);
    await this.#startChain();
    await this.#deploy();
    await this.#enrol();
    await this.#startBroker();
    await this.#startOracle();
    await this.#startMachines();
    this.#watch = setInterval(() => void this.#refresh(), 1_000);
  }

  /** Stops in the order in which data flows, so that nothing is left half done. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#watch);
    this.view.end();
    await Promise.all(this.machines.map((machine) => machine.close()));
    await this.#oracleService?.stop();
    await this.#broker?.stop();
    await this.chain?.stop();
  }

  async #startChain(): Promise<void> {
    const { state, network } = this.options;
    this.chain = network === undefined ? await startEmbedded(state) : await useNetwork(network);
    this.view.say(`· ${this.chain.line}`);
    for (const [name, wallet] of Object.entries(this.people)) {
      this.people[name as Person] = wallet.connect(this.provider);
    }
  }

  /** Runs the deploy task as an operator would. */
  async #deploy(): Promise<void> {
    const { state, people, view, chain } = this;
    const folder = join(state, "deployments");
    const holders = ["admin", "registrar", "guardian"] as const;
    const command = [
      ...(["hardhat", "deploy", "--network", chain.network, "--record", folder] as const),
      ...["--members", membersFile(state, people)],
      ...holders.flatMap((holder) => [`--${holder}`, people[holder].address]),
    ] as const;
    await runCommand("deploy", command, { state, env: chain.env(people.deployer) });
    const { chainId } = await this.provider.getNetwork();
    const file = readdirSync(folder).find((name) => name.startsWith(`${chainId}-`));
    this.record = join(folder, file ?? "missing.json");
    this.deployment = loadDeployment(this.record);
    this.tenon = await createTenon({ provider: this.provider, deployment: this.deployment });
    const names = Object.keys(this.deployment.contracts).length;
    view.say(`· ${names} contracts deployed and sealed: the deployer has no power left`);
  }

  /** Enrols the machines that are not enrolled yet, through one factory list. */
  async #enrol(): Promise<void> {
    const { people, deployment, state, view } = this;
    for (let index = 1; index <= MACHINES; index++) this.signers.push(machineKey(state, index));
    const maker = await createTenon({ signer: people.manufacturer, deployment });
    const owner = await createTenon({ signer: people.owner, deployment });
    const { signers } = this;
    const { activated } = await enrolByList({ state, maker, owner, signers, say: (line) => view.say(line) });
    view.say(`· ${MACHINES} machines enrolled (P-256 keys), ${activated} of them just now`);
  }

  async #startBroker(): Promise<void> {
    const oracle = { username: "oracle", password: this.#password("oracle") };
    this.#broker = await EmbeddedBroker.start({ oracle });
    for (const { id } of this.signers) this.#broker.addDevice(id, this.#password(id));
    this.view.say(`· broker at ${this.#broker.url}, a login for each machine`);
  }

  async #startOracle(): Promise<void> {
    const { state, view, chain, record } = this;
    loadOrCreateKey(join(state, "keys", "receipts.pem"));
    const port = await freePort(8546);
    const config = join(state, "oracle.json");
    const settings = {
      state: join(state, "oracle"),
      deployment: record,
      chain: { rpc: chain.rpc, ...(chain.jwtKey && { jwtKey: chain.jwtKey }), stream: 1 },
      anchorKey: { file: join(state, "keys", "operator.key") },
      receiptKey: join(state, "keys", "receipts.pem"),
      broker: {
        url: this.#broker?.url,
        username: "oracle",
        passwordFile: join(state, "keys", "oracle.password"),
      },
      http: { port },
    };
    writeFileSync(config, `${JSON.stringify(settings, null, 2)}\n`);
    this.#oracleService = new Service({
      name: "oracle",
      command: [...ORACLE, "serve", "--config", config],
      state,
      ready: /ready/i,
      restart: true,
    });
    await this.#oracleService.start();
    this.oracle = new OracleClient(`http://127.0.0.1:${port}`);
    view.say(`· oracle at ${this.oracle.url}, writing stream 1`);
  }

  async #startMachines(): Promise<void> {
    const { options, state, view, signers, deployment } = this;
    const domain = {
      chainId: BigInt(deployment.chainId),
      registry: deployment.contracts.DeviceRegistry.address,
    };
    const receiptKey: DeviceKey = loadOrCreateKey(join(state, "keys", "receipts.pem")).key;
    for (const [i, signer] of signers.entries()) {
      const machine = new Machine({
        state,
        index: i + 1,
        signer,
        epoch: (await this.tenon.devices.get(signer.id))?.epoch ?? 1,
        domain,
        receiptKey,
        broker: { url: this.#broker?.url ?? "", password: this.#password(signer.id) },
        data: i === 0 ? options.data : undefined,
        speed: options.speed,
        onError: (name, error) => this.#note(name, error),
      });
      this.machines.push(machine);
      machine.start();
    }
    const source = options.data === undefined ? "all simulated" : `the first replays ${options.data}`;
    view.say(`· ${MACHINES} machines running, ${source}\n`);
  }

  /** A password made once and kept; the machine has it from enrolment. */
  #password(who: string): string {
    const path = join(this.state, "keys", `${who}.password`);
    if (!existsSync(path)) writeFileSync(path, randomBytes(18).toString("base64url"), { mode: 0o600 });
    const password = this.#passwords.get(who) ?? readFileSync(path, "utf8");
    this.#passwords.set(who, password);
    return password;
  }

  #note(machine: string, error: Error): void {
    writeFileSync(join(this.state, "logs", "machines.log"), `${machine} ${error.message}\n`, { flag: "a" });
  }

  async #refresh(): Promise<void> {
    try {
      const [metrics, block] = await Promise.all([this.oracle.metrics(), this.provider.getBlockNumber()]);
      const value = (name: string) => metrics.get(`tenon_${name}`) ?? 0;
      const [first] = this.machines;
      this.view.show({
        made: this.made,
        received: this.#sinceStart(value("messages_received_total")),
        verified: value("log_head_frames"),
        refused: value("log_head_rejects"),
        anchored: value("anchored_frames"),
        batch: value("anchored_batch") + 1,
        lagFrames: value("anchor_lag_frames"),
        lagSeconds: value("anchor_lag_seconds"),
        block,
        oracleRestarts: this.#oracleService?.restarts ?? 0,
        replayed: this.options.data !== undefined && first?.finished === true,
      });
    } catch {
      // The oracle is being started again: the last figures stay.
    }
  }

  /** The oracle counts what it received from zero each time it starts. */
  #sinceStart(received: number): number {
    if (received < this.#received.last) this.#received.before += this.#received.last;
    this.#received.last = received;
    return this.#received.before + received;
  }
}
