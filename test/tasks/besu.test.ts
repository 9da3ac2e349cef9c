import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet } from "ethers";
import { network } from "hardhat";
import { failure } from "../support/failure.js";
import { NoAnswer, RpcServer } from "../support/rpc-server.js";

/** Network `besu` of the configuration, towards the in-process chain behind nodes that ask for tokens. */
describe("network besu", () => {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // The configuration resolves the key once for the whole process.
  const wallet = new Wallet(process.env.TENON_BESU_KEY ?? Wallet.createRandom().privateKey);
  const names = ["TENON_BESU_RPC", "TENON_BESU_JWT_KEY", "TENON_BESU_KEY"] as const;
  const before = names.map((name) => process.env[name]);
  let folder: string;
  let servers: RpcServer[];
  let connection: Awaited<ReturnType<typeof network.create>>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-besu-"));
    const chain = await network.create({ network: "default", override: { initialDate: new Date() } });
    const start = () => RpcServer.start(chain.provider as never, { jwtKey: key.publicKey });
    servers = [await start(), await start()];
    const file = join(folder, "jwt.pem");
    writeFileSync(file, key.privateKey.export({ format: "pem", type: "sec1" }), { mode: 0o600 });
    process.env.TENON_BESU_RPC = servers.map(({ url }) => url).join(", ");
    process.env.TENON_BESU_JWT_KEY = file;
    process.env.TENON_BESU_KEY = wallet.privateKey;
    connection = await network.create("besu");
  });
  afterEach(async () => {
    await connection.close();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true });
    names.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
  });

  it("reads with tokens, and goes on with the next node when one is gone", async () => {
    const { provider } = connection.ethers;
    expect((await provider.getNetwork()).chainId).to.equal(31_337n);
    expect(servers[0]!.authorizations.at(-1)).to.match(/^Bearer /);
    await servers[0]!.close();
    expect(await provider.getBlockNumber()).to.equal(0);
    servers.shift();
  });

  it("signs with the one key, at no price, and numbers transactions that are sent at once", async () => {
    const [signer] = await connection.ethers.getSigners();
    expect(signer!.address).to.equal(wallet.address);
    const to = Wallet.createRandom().address;
    const sent = await Promise.all(
      Array.from({ length: 5 }, () => signer!.sendTransaction({ to, gasPrice: 0n, type: 0 })),
    );
    expect(sent.map(({ nonce }) => nonce).sort()).to.deep.equal([0, 1, 2, 3, 4]);
    for (const transaction of sent) expect((await transaction.wait())?.status).to.equal(1);
  });

  it("loses nothing when the answer to a sending is lost", async () => {
    servers[0]!.fault = async ({ method }, forward) => {
      const answer = await forward();
      if (method === "eth_sendRawTransaction") throw new NoAnswer();
      return answer;
    };
    const [signer] = await connection.ethers.getSigners();
    const { hash } = await signer!.sendTransaction({ to: wallet.address, gasPrice: 0n, type: 0 });
    expect((await connection.ethers.provider.getTransactionReceipt(hash))?.status).to.equal(1);
    expect(await connection.ethers.provider.getTransactionCount(wallet.address)).to.equal(1);
  });

  it("gives a contract's refusal as the node gave it", async () => {
    const [signer] = await connection.ethers.getSigners();
    // PUSH1 0, PUSH1 0, REVERT
    const error = await failure(signer!.sendTransaction({ data: "0x60006000fd", gasPrice: 0n, type: 0 }));
    expect(error.message).to.include("revert");
  });

  it("says in words that tokens are refused, or that no address was given", async () => {
    delete process.env.TENON_BESU_JWT_KEY;
    const without = await network.create("besu");
    expect((await failure(without.ethers.provider.getBlockNumber())).code).to.equal("NodeTokenRefused");
    delete process.env.TENON_BESU_RPC;
    const nowhere = await network.create("besu");
    expect((await failure(nowhere.ethers.provider.getBlockNumber())).code).to.equal("NetworkMissing");
    for (const one of [without, nowhere]) await one.close();
  });
});
