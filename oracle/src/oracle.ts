import { createPrivateKey } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "@tenon/sdk/bytes";
import { loadDeployment } from "@tenon/sdk/deployment";
import { loadOrCreateKey } from "@tenon/sdk/device";
import { TenonError } from "@tenon/sdk/errors";
import { type DeviceKey, P256 } from "@tenon/sdk/frame/index";
import { EmbeddedBroker } from "./broker.js";
import { Anchorer } from "./chain/anchorer.js";
import { ChainConnection } from "./chain/connection.js";
import { knownBlock, RegistryDirectory } from "./chain/directory.js";
import { keyFileOf, loadAnchorKey, readSecret, readText } from "./chain/key.js";
import type { Config } from "./config.js";
import { startHttp } from "./http/server.js";
import { Pipeline } from "./ingest/pipeline.js";
import { Lease } from "./lease.js";
import type { BrokerOptions, Logger } from "./options.js";
import { databasePath, logDir } from "./paths.js";
import { Places } from "./proofs/places.js";
import { ProofService } from "./proofs/service.js";
import { openState } from "./state/db.js";

/** Until then everything has to be on disk when the oracle is asked to stop. */
const STOP_MS = 20_000;

/** A running oracle: everything from the broker to the chain, and its HTTP answers. */
export class Oracle {
  /** Where it answers HTTP. */
  url = "";
  /** Where devices connect; differs from the configuration only for the embedded broker. */
  brokerUrl = "";
  /** Devices check receipts with it. */
  receiptKey!: DeviceKey;
  /** Account that anchors. */
  anchorKey!: Hex;
  /** What has to be undone, the last first. */
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];

  /**
   * Starts in the order that is safe: the lease, then what the chain says against what is stored, and only then is a
   * frame taken. Nothing stays open when it fails.
   * @throws TenonError with what is wrong: configuration, keys, lease, chain, state.
   */
  static async start(config: Config, logger: Logger): Promise<Oracle> {
    const oracle = new Oracle();
    try {
      await oracle.#start(config, logger);
      return oracle;
    } catch (error) {
      await oracle.#close();
      throw error;
    }
  }

  /**
   * Takes nothing more, verifies and stores what was taken, closes the batch and stores its intent. Does not wait for
   * a block.
   * @throws TenonError `StopTimeout` when that takes longer than 20 seconds; what was acknowledged is safe even then.
   */
  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new TenonError("StopTimeout", "The oracle did not stop in time")),
        STOP_MS,
      );
    });
    try {
      await Promise.race([this.#close(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #start(config: Config, logger: Logger): Promise<void> {
    const deployment = loadDeployment(config.deployment);
    const signer = await loadAnchorKey(config.anchorKey);
    this.anchorKey = signer.address;
    mkdirSync(config.state, { recursive: true });
    const lease = Lease.acquire({
      address: signer.address,
      chainId: BigInt(deployment.chainId),
      genesisHash: deployment.genesisHash,
      keyFile: keyFileOf(config.anchorKey),
      stateDir: config.state,
    });
    this.#closers.push(() => lease.release());
    const db = openState(databasePath(config.state));
    this.#closers.push(() => db.close());

    const { rpc, jwtKey, pollMs, stream, freshSeconds } = config.chain;
    const nodes = { rpc, jwtKey, deployment, logger, pollMs };
    const chain = await ChainConnection.connect(nodes, knownBlock(db));
    this.#closers.push(() => chain.stop());
    const directory = new RegistryDirectory(db, chain);
    await directory.follow(chain.head);
    chain.onHead((head) => directory.follow(head));

    const broker = await this.#broker(config, logger);
    const keyFile = config.receiptKey ?? join(config.state, "receipts.pem");
    const receiptSigner = loadOrCreateKey(keyFile);
    requireP256(receiptSigner.key, keyFile);
    this.receiptKey = receiptSigner.key;
    const anchorer = new Anchorer({ chain, db, signer, stream, logger, onAnchored: () => pipeline.wake() });
    const pipeline: Pipeline = new Pipeline({
      logDir: logDir(config.state),
      db,
      directory,
      domain: { chainId: BigInt(deployment.chainId), registry: chain.addressOf("DeviceRegistry") },
      receiptKey: createPrivateKey(receiptSigner.toPem()),
      broker,
      anchorWaiting: () => anchorer.waiting,
      logger,
      batch: config.batch,
      ...(config.verifyWorkers !== undefined && { verifyWorkers: config.verifyWorkers }),
    });
    this.#closers.push(() => anchorer.stop());
    this.#closers.push(() => pipeline.stop());
    pipeline.on("batchClosed", () => anchorer.notify());
    await pipeline.open();
    await anchorer.reconcile();
    chain.start();
    anchorer.start();
    await pipeline.start();

    const places = new Places(db);
    const proofs = new ProofService({ places, directory, log: pipeline.log, chain, stream });
    const view = { db, stateDir: config.state, diskFloorBytes: config.diskFloorBytes, freshSeconds, stream };
    const { host, port, tokenFile } = config.http;
    const token = tokenFile === undefined ? {} : { token: readSecret(tokenFile) };
    const http = await startHttp(
      { ...view, chain, directory, anchorer, pipeline, places, proofs },
      { host, port, logger, ...token },
    );
    this.#closers.push(() => http.app.close());
    this.url = http.url;
  }

  async #broker(config: Config, logger: Logger): Promise<BrokerOptions> {
    const { url, username, passwordFile, caFile, port, devicesFile } = config.broker;
    const login = {
      ...(username !== undefined && { username }),
      ...(passwordFile !== undefined && { password: readSecret(passwordFile) }),
    };
    this.brokerUrl = url;
    if (url !== "embedded") {
      return { url, ...login, ...(caFile !== undefined && { ca: readText(caFile) }) };
    }
    const oracle = { username: login.username ?? "oracle", password: login.password ?? randomPassword() };
    const broker = await EmbeddedBroker.start({
      oracle,
      port,
      onRefused: (refusal) => logger.warn({ ...refusal }, "the broker refused a client"),
    });
    this.#closers.push(() => broker.stop());
    for (const [id, password] of Object.entries(readDevices(devicesFile as string))) {
      broker.addDevice(id as Hex, password);
    }
    this.brokerUrl = broker.url;
    return { url: broker.url, ...oracle };
  }

  async #close(): Promise<void> {
    let failure: unknown;
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failure ??= error; // the rest is closed all the same
      }
    }
    if (failure !== undefined) throw failure;
  }
}

/** Devices check receipts as ES256 and would believe none of another key's. */
function requireP256({ curve }: DeviceKey, path: string): void {
  if (curve === P256) return;
  throw new TenonError("ReceiptKeyInvalid", "The receipt key is not a P-256 key", {
    args: { path, curve: "secp256k1" },
    remedy: "Give a P-256 key, or name a file that is not there: it is made.",
  });
}

function randomPassword(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}

function readDevices(path: string): Record<string, string> {
  const text = readSecret(path);
  const invalid = (fault: string) =>
    new TenonError("DevicesFileInvalid", "The file with the devices' passwords is not valid", {
      args: { path, fault },
      remedy: 'It holds one JSON object: {"0x<64 hex digits>": "<password>", …}.',
    });
  let devices: unknown;
  try {
    devices = JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
  if (typeof devices !== "object" || devices === null) throw invalid("it is not an object");
  for (const [id, password] of Object.entries(devices)) {
    if (!/^0x[0-9a-f]{64}$/.test(id)) throw invalid(`${id} is not a device id in lower case`);
    if (typeof password !== "string" || password === "") throw invalid(`${id} has no password`);
  }
  return devices as Record<string, string>;
}
