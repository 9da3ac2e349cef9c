import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "chai";
import { computeAddress } from "ethers";
import { composeOf } from "../../besu-network/bundle/compose.js";
import { createBundle } from "../../besu-network/bundle/create.js";
import { type Bundle, layout, openBundle } from "../../besu-network/bundle/manifest.js";
import type { CreateOptions } from "../../besu-network/bundle/plan.js";
import { renderYaml } from "../../besu-network/bundle/yaml.js";
import { checkGenesis } from "../../besu-network/genesis/check.js";
import { decodeExtraData } from "../../besu-network/genesis/extra-data.js";
import { genesisHash } from "../../besu-network/genesis/genesis.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { failure } from "../support/failure.js";
import { temporaryFolder } from "./support/bundle.js";
import { ranTask } from "./support/task.js";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

async function made(options: Partial<CreateOptions> = {}): Promise<Bundle> {
  const [bundle] = await createBundle({ out: join(folder.path, "network"), ...options });
  return bundle!;
}

const read = ({ dir }: Bundle, path: string) => readFileSync(join(dir, path), "utf8");
const json = (bundle: Bundle, path: string) => JSON.parse(read(bundle, path));
const mode = ({ dir }: Bundle, path: string) => statSync(join(dir, path)).mode & 0o777;
const config = (bundle: Bundle, name: string) => read(bundle, layout.config(name));

describe("network:create", () => {
  it("makes four validators and an RPC node whose keys, addresses and peers agree", async () => {
    const bundle = await made();
    const { nodes, organisation } = bundle.manifest;
    expect(nodes.map(({ name }) => name)).to.deep.equal([
      ...["validator1", "validator2", "validator3", "validator4"],
      "rpc1",
    ]);
    for (const { name, publicKey, address } of nodes) {
      const key = read(bundle, layout.nodeKey(name)).trim();
      expect(key).to.match(/^0x[0-9a-f]{64}$/);
      expect(computeAddress(key).toLowerCase()).to.equal(address);
      expect(computeAddress(`0x04${publicKey.slice(2)}`).toLowerCase()).to.equal(address);
    }
    expect(organisation).to.equal("consortium");
    expect(openBundle(bundle.dir).manifest).to.deep.equal(bundle.manifest);
    const enodes = nodes.map(
      ({ publicKey, ports }) => `enode://${publicKey.slice(2)}@127.0.0.1:${ports.p2p}`,
    );
    expect(json(bundle, layout.staticNodes)).to.deep.equal(enodes);
    for (const { name } of nodes) {
      expect(read(bundle, layout.permissions(name))).to.equal(`nodes-allowlist=${JSON.stringify(enodes)}\n`);
    }
  });

  it("writes a genesis in which nothing is wrong, and its hash", async () => {
    const bundle = await made({ validators: 7, observers: 1 });
    expect(checkGenesis(read(bundle, layout.genesis))).to.deep.equal([]);
    const genesis = json(bundle, layout.genesis);
    expect(genesisHash(genesis)).to.equal(bundle.manifest.genesisHash);
    const validators = bundle.manifest.nodes.filter(({ role }) => role === "validator");
    expect(decodeExtraData(genesis.extraData).validators).to.have.members(
      validators.map(({ address }) => address),
    );
  });

  it("draws fresh keys and a fresh chain id each time", async () => {
    const first = await made();
    const second = await made({ out: join(folder.path, "second") });
    expect(first.manifest.chainId).not.to.equal(second.manifest.chainId);
    for (const { manifest } of [first, second])
      expect(manifest.chainId).to.be.within(200_000_000, 2 ** 31 - 1);
    const secrets = [first, second].flatMap((bundle) => [
      ...bundle.manifest.nodes.map(({ name }) => read(bundle, layout.nodeKey(name))),
      read(bundle, layout.jwtKey),
    ]);
    expect(new Set(secrets).size).to.equal(secrets.length);
  });

  it("keeps secrets to their owner and everything else readable, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      const bundle = await made({ mode: "docker" });
      const secret = [layout.jwtKey, ...bundle.manifest.nodes.map(({ name }) => layout.nodeKey(name))];
      const files = globSync("**/*", { cwd: bundle.dir, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(bundle.dir.length + 1));
      expect(files).to.include.members(secret);
      for (const file of files) {
        expect(mode(bundle, file).toString(8), file).to.equal(secret.includes(file) ? "600" : "644");
      }
      for (const open of [".", "shared", "docker", "nodes/validator1", "monitor/grafana/dashboards"]) {
        expect(mode(bundle, open).toString(8), open).to.equal("755");
      }
      expect(mode(bundle, "secrets").toString(8)).to.equal("700");
      expect(read(bundle, ".gitignore")).to.equal("*\n");
    } finally {
      process.umask(before);
    }
  });

  it("says no secret in any other file or in what it prints", async () => {
    const out = join(folder.path, "network");
    const { out: printed } = await ranTask(["network", "create"], given({ out, mode: "docker" }));
    const bundle = openBundle(out);
    const secrets = bundle.manifest.nodes.map(({ name }) =>
      read(bundle, layout.nodeKey(name)).trim().slice(2),
    );
    secrets.push(read(bundle, layout.jwtKey).split("\n")[1]!);
    const texts = globSync("**/*", { cwd: out, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "key" && entry.name !== basename(layout.jwtKey))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
    expect(texts.length).to.be.greaterThan(10);
    for (const secret of secrets) {
      expect(secret).to.have.length.greaterThan(60);
      for (const text of [printed, ...texts]) expect(text).not.to.contain(secret);
    }
  });

  it("gives the nodes the public half of the key that signs tokens (ES256)", async () => {
    const bundle = await made();
    const key = createPrivateKey(read(bundle, layout.jwtKey));
    expect(key.asymmetricKeyDetails?.namedCurve).to.equal("prime256v1");
    const signature = sign("sha256", Buffer.from("token"), key);
    const half = createPublicKey(read(bundle, layout.jwtPublicKey));
    expect(verify("sha256", Buffer.from("token"), half, signature)).to.equal(true);
  });

  it("lets validators answer no client, and others only ETH, NET and WEB3 with a token", async () => {
    const bundle = await made({ observers: 1 });
    const validator = config(bundle, "validator1");
    expect(validator).to.contain("rpc-http-enabled=false").and.contain("rpc-ws-enabled=false");
    expect(validator).not.to.match(/rpc-(http|ws)-(port|apis)/);
    for (const name of ["rpc1", "observer1"]) {
      const text = config(bundle, name);
      for (const kind of ["http", "ws"]) {
        expect(text).to.contain(`rpc-${kind}-host="127.0.0.1"`);
        expect(text).to.contain(`rpc-${kind}-apis=["ETH", "NET", "WEB3"]`);
        expect(text).to.contain(`rpc-${kind}-authentication-enabled=true`);
        expect(text).to.contain(`rpc-${kind}-authentication-jwt-algorithm="ES256"`);
      }
      expect(text)
        .to.match(/host-allowlist=\["localhost", "127.0.0.1", /)
        .and.not.contain("*");
    }
  });

  it("has free gas, no blobs, its own peers and the whole pool's settings on every node", async () => {
    const bundle = await made();
    for (const { name, ports } of bundle.manifest.nodes) {
      const lines = config(bundle, name).split("\n");
      expect(lines).to.include.members([
        ...["min-gas-price=0", "tx-pool-min-gas-price=0"],
        ...["max-blobs-per-transaction=0", "max-blobs-per-block=0"],
        ...['tx-pool="SEQUENCED"', "tx-pool-max-size=50000", 'tx-pool-limit-by-account-percentage="1"'],
        ...["discovery-enabled=false", "permissions-nodes-config-file-enabled=true"],
        ...[
          'sync-mode="FULL"',
          'data-storage-format="FOREST"',
          "permissions-accounts-config-file-enabled=false",
        ],
        ...['p2p-host="127.0.0.1"', 'p2p-interface="127.0.0.1"', `p2p-port=${ports.p2p}`],
        ...["Xrpc-ipc-enabled=true", 'Xrpc-ipc-path="besu.ipc"', 'node-private-key-file="key"'],
        'genesis-file="../../shared/genesis.json"',
      ]);
      expect(lines.join("\n")).not.to.match(/^(profile|tx-pool-price-bump|bootnodes)=/m);
    }
  });

  it("does what its options say", async () => {
    const accounts: Hex[] = [`0x${"a1".repeat(20)}`];
    const bundle = await made({
      ...{ chainId: 20_260_917, blockPeriod: 2, emptyBlockPeriod: 20, gasLimit: 100_000_000 },
      ...{ storage: "BONSAI", portBase: 41_000, accounts, rpcNodes: 2, timestamp: 1_790_000_000 },
    });
    const genesis = json(bundle, layout.genesis);
    expect(genesis.config).to.deep.include({ chainId: 20_260_917 });
    expect(genesis.config.qbft).to.include({
      blockperiodseconds: 2,
      emptyblockperiodseconds: 20,
      requesttimeoutseconds: 4,
    });
    expect(Number(genesis.gasLimit)).to.equal(100_000_000);
    expect(Number(genesis.timestamp)).to.equal(1_790_000_000);
    expect(bundle.manifest).to.include({
      blockPeriodSeconds: 2,
      requestTimeoutSeconds: 4,
      emptyBlockPeriodSeconds: 20,
    });
    expect(config(bundle, "rpc2"))
      .to.contain('data-storage-format="BONSAI"')
      .and.contain("rpc-http-port=41052");
    expect(config(bundle, "rpc2")).to.contain("permissions-accounts-config-file-enabled=true");
    expect(read(bundle, layout.permissions("rpc1"))).to.contain(
      `accounts-allowlist=${JSON.stringify(accounts)}`,
    );
    const readme = read(bundle, "README.md");
    expect(readme).to.contain("20 seconds").and.contain("(BONSAI)").and.contain("the 1 listed accounts");
  });

  it("gives every node ports of its own", async () => {
    const { manifest } = await made({ validators: 9, rpcNodes: 3, observers: 2, mode: "docker" });
    const ports = manifest.nodes.flatMap((node) => Object.values(node.ports)).filter((port) => port !== null);
    expect(new Set(ports).size).to.equal(ports.length);
  });

  it("leaves a folder alone that is not empty, and takes an empty one", async () => {
    const out = join(folder.path, "network");
    mkdirSync(out);
    writeFileSync(join(out, "mine.txt"), "mine");
    const refusal = await failure(createBundle({ out }));
    expect(refusal.code).to.equal("BundleFolderTaken");
    expect(readdirSync(out)).to.deep.equal(["mine.txt"]);
    const empty = join(folder.path, "empty");
    mkdirSync(empty);
    await createBundle({ out: empty });
    expect(existsSync(join(empty, layout.manifest))).to.equal(true);
    expect(readdirSync(folder.path).sort()).to.deep.equal(["empty", "network"]);
  });

  it("says where it cannot write, and leaves nothing behind", async () => {
    const file = join(folder.path, "file");
    writeFileSync(file, "");
    expect((await failure(createBundle({ out: file }))).code).to.equal("BundleFolderTaken");
    expect((await failure(createBundle({ out: join(file, "network") }))).code).to.equal("BundleUnwritable");
    expect(readdirSync(folder.path)).to.deep.equal(["file"]);
  });

  const refused: [string, Partial<CreateOptions>][] = [
    ["a public chain's id", { chainId: 1 }],
    ["the test tools' id", { chainId: 31_337 }],
    ["a chain id that wallets refuse", { chainId: Number.MAX_SAFE_INTEGER }],
    ["a block period of 0", { blockPeriod: 0 }],
    ["half a second", { blockPeriod: 0.5 }],
    ["an empty-block period not above it", { blockPeriod: 5, emptyBlockPeriod: 5 }],
    ["a gas limit below a transaction's", { gasLimit: 1_000_000 }],
    ["no validators", { validators: 0 }],
    ["a negative count", { rpcNodes: -1 }],
    ["ports above 65535", { portBase: 65_530 }],
    ["ports of the system", { portBase: 80 }],
    ["an account that is none", { accounts: ["0x12" as Hex] }],
    ["a subnet that is none", { subnet: "172.16.0.0/16" }],
    ["a subnet of no addresses", { subnet: "999.16.0.0/24" }],
  ];
  for (const [title, options] of refused) {
    it(`refuses ${title}, and writes nothing`, async () => {
      const refusal = await failure(made(options));
      expect(refusal.code).to.equal("NetworkOptionInvalid");
      expect(refusal.remedy).to.be.a("string");
      expect(readdirSync(folder.path)).to.deep.equal([]);
    });
  }
});

/** The options of the task as the command line leaves them when they are not given. */
function given(values: Record<string, unknown>): Record<string, unknown> {
  const options = [
    "validators",
    "rpcNodes",
    "observers",
    "members",
    "chainId",
    "blockPeriod",
    "emptyBlockPeriod",
  ];
  const rest = ["gasLimit", "storage", "mode", "portBase", "subnet", "accounts"];
  return {
    ...Object.fromEntries([...options, ...rest].map((name) => [name, undefined])),
    json: false,
    ...values,
  };
}

describe("network:create on the command line", () => {
  it("makes what it says, and says where it is and how it starts", async () => {
    const out = join(folder.path, "network");
    const ran = await ranTask(
      ["network", "create"],
      given({ out, mode: "local", observers: "1", chainId: "1999999999" }),
    );
    expect(ran.exitCode).to.equal(0);
    expect(ran.out).to.contain("observer1").and.contain("Chain 1999999999").and.contain("network up --dir");
    expect(openBundle(out).manifest.nodes).to.have.length(6);
  });

  it("prints JSON for scripts", async () => {
    const out = join(folder.path, "network");
    const ran = await ranTask(["network", "create"], given({ out, mode: "docker", json: true }));
    const [bundle] = JSON.parse(ran.out);
    expect(bundle).to.include({ dir: out, organisation: "consortium" });
    expect(bundle.genesisHash).to.equal(openBundle(out).manifest.genesisHash);
  });

  for (const wrong of [
    { mode: "podman" },
    { validators: "four" },
    { storage: "archive" },
    { chainId: "1" },
  ]) {
    it(`refuses ${JSON.stringify(wrong)} in words, with exit code 1`, async () => {
      const out = join(folder.path, "network");
      const ran = await ranTask(["network", "create"], given({ out, mode: "local", ...wrong }));
      expect(ran.exitCode).to.equal(1);
      expect(ran.err)
        .to.match(/^(NetworkOptionInvalid|OptionInvalid): .*\n.*given: .*/)
        .and.contain("→");
      expect(existsSync(out)).to.equal(false);
    });
  }
});

// biome-ignore lint/suspicious/noExplicitAny: a compose file, looked at as such
type Service = any;

describe("a bundle for Docker", () => {
  async function services(options: Partial<CreateOptions> = {}) {
    const bundle = await made({ mode: "docker", observers: 1, ...options });
    const compose = composeOf(bundle.manifest) as Service;
    return { bundle, compose, services: compose.services as Record<string, Service> };
  }

  it("has the compose file of its manifest, with exact versions", async () => {
    const { bundle, compose, services: all } = await services();
    const text = read(bundle, "docker-compose.yml");
    expect(text.slice(text.indexOf("\n") + 1)).to.equal(renderYaml(compose));
    for (const [name, { image }] of Object.entries(all)) {
      expect(image, name).to.match(/^[a-z]+(\/[a-z]+)?:v?\d+\.\d+\.\d+(-alpine)?$/);
    }
    expect(all.validator1.image).to.equal("hyperledger/besu:26.9.0");
  });

  it("publishes nothing of a validator, plain RPC on 127.0.0.1 only, and TLS to everybody", async () => {
    const { bundle, services: all } = await services();
    for (const index of [1, 2, 3, 4]) expect(all[`validator${index}`].ports).to.deep.equal([]);
    const rpc = bundle.manifest.nodes.find(({ name }) => name === "rpc1")!.ports;
    expect(all.rpc1.ports).to.deep.equal([
      `127.0.0.1:${rpc.http}:${rpc.http}`,
      `127.0.0.1:${rpc.ws}:${rpc.ws}`,
    ]);
    expect(all.proxy.ports).to.include(`${rpc.https}:${rpc.https}`);
    expect(read(bundle, "docker/Caddyfile"))
      .to.contain(`reverse_proxy rpc1:${rpc.http}`)
      .and.contain("tls internal");
  });

  it("keeps chain data in a volume of each node, outside the image's folder, and the key where it is", async () => {
    const { compose, services: all } = await services();
    for (const name of ["validator1", "rpc1", "observer1"]) {
      const volumes: Service[] = all[name].volumes;
      const data = volumes.filter(({ type }) => type === "volume");
      expect(data).to.deep.equal([{ type: "volume", source: `${name}-data`, target: "/var/lib/besu" }]);
      expect(compose.volumes).to.have.property(`${name}-data`);
      const writable = volumes.filter(({ type, read_only }) => type === "bind" && !read_only);
      expect(writable.map(({ source }) => source)).to.deep.equal([`./nodes/${name}`]);
      expect(volumes.some(({ target }) => target.startsWith("/opt/besu"))).to.equal(false);
    }
  });

  it("runs Besu as the folder's owner, with no right of root but to become that", async () => {
    const { bundle, services: all } = await services();
    expect(all.validator1).to.deep.include({
      cap_drop: ["ALL"],
      cap_add: ["CHOWN", "SETUID", "SETGID"],
      security_opt: ["no-new-privileges:true"],
    });
    expect(all.validator1.entrypoint.at(-1)).to.equal("/network/docker/start.sh");
    const start = read(bundle, "docker/start.sh");
    expect(start)
      .to.match(/exec setpriv --reuid="\$user".*--no-new-privs/)
      .and.contain("exec /opt/besu/bin/besu");
    expect(config(bundle, "validator1")).to.contain('data-path="/var/lib/besu"');
    expect(config(bundle, "rpc1"))
      .to.contain('rpc-http-host="0.0.0.0"')
      .and.contain('"localhost", "127.0.0.1", "rpc1"');
  });

  it("gives each container the address that its peers expect", async () => {
    const { bundle, compose, services: all } = await services({ subnet: "10.9.8.0/24" });
    expect(compose.networks.nodes.ipam.config).to.deep.equal([{ subnet: "10.9.8.0/24" }]);
    const addresses = bundle.manifest.nodes.map(({ name, host }) => {
      expect(all[name].networks.nodes.ipv4_address).to.equal(host);
      expect(config(bundle, name)).to.contain(`p2p-host="${host}"`);
      return host;
    });
    expect(addresses[0]).to.equal("10.9.8.10");
    expect(new Set(addresses).size).to.equal(6);
  });

  it("calls a node healthy by its newest block, and older when empty blocks are rare", async () => {
    expect((await services()).services.validator1.healthcheck.test.at(-1)).to.equal("60");
    const { services: rare } = await services({ out: join(folder.path, "rare"), emptyBlockPeriod: 600 });
    expect(rare.validator1.healthcheck.test.at(-1)).to.equal("660");
  });

  it("has no container files in a bundle of processes", async () => {
    const bundle = await made({ mode: "local" });
    expect(readdirSync(bundle.dir)).not.to.include.members(["docker", "docker-compose.yml"]);
    expect(read(bundle, "README.md")).not.to.match(/docker/i);
  });
});

describe("renderYaml", () => {
  it("writes what any reader of YAML reads back", () => {
    const text = renderYaml({ a: { b: "x: y #z", c: [1, true] }, "d-e": {}, f: [{ g: "$HOME" }] });
    expect(text).to.equal('a:\n  b: "x: y #z"\n  c: [1, true]\nd-e: {}\nf: [{ g: "$HOME" }]\n');
  });

  it("breaks long lists into lines", () => {
    const words = ["a".repeat(30), "b".repeat(30)];
    expect(renderYaml({ list: words })).to.equal(`list:\n  - "${words[0]}"\n  - "${words[1]}"\n`);
  });
});
