import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadConfig, loadReadConfig, loadStateDir, printable } from "../../oracle/src/config.js";
import type { TenonError } from "../../sdk/src/errors.js";

const least = {
  state: "state",
  deployment: "record.json",
  chain: { rpc: "http://127.0.0.1:8545", stream: 1 },
  anchorKey: { file: "anchor.key" },
  broker: { url: "mqtt://127.0.0.1:1883" },
};

describe("oracle configuration", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-config-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (settings: object) => {
    const file = join(folder, "oracle.json");
    writeFileSync(file, JSON.stringify(settings));
    return file;
  };
  const refusal = (settings: object, env = {}, overrides = {}): TenonError => {
    try {
      loadConfig(write(settings), env, overrides);
    } catch (error) {
      return error as TenonError;
    }
    throw new Error("it was accepted");
  };

  it("fills in defaults and takes paths from the file's folder", () => {
    const config = loadConfig(write(least), {}, {});
    expect(config.state).to.equal(join(folder, "state"));
    expect(config.anchorKey).to.deep.equal({ file: join(folder, "anchor.key") });
    expect(config.http).to.deep.equal({ host: "127.0.0.1", port: 8546 });
    expect(config.batch.intervalMs).to.equal(1_000);
  });

  it("lets the environment count over the file, and the command line over both", () => {
    const env = { TENON_CHAIN_STREAM: "7", TENON_CHAIN_RPC: "http://env:1", TENON_LOG_LEVEL: "warn" };
    const config = loadConfig(write(least), env, { "chain.rpc": "http://flag:2" });
    expect(config.chain).to.include({ stream: 7, rpc: "http://flag:2" });
    expect(config.logLevel).to.equal("warn");
  });

  it("names every fault and where it is", () => {
    const { code, message } = refusal({
      ...least,
      state: undefined,
      chain: { rpc: "ftp://x", stream: 0 },
      sate: "x",
    });
    expect(code).to.equal("ConfigInvalid");
    expect(message).to.include("state: is missing");
    expect(message).to.include(
      "chain.rpc: must be addresses that begin with http://, https://, ws://, wss://",
    );
    expect(message).to.include("chain.stream: ");
    expect(message).to.include("sate");
  });

  it("refuses a host that is not loopback without a token", () => {
    const { message } = refusal({ ...least, http: { host: "0.0.0.0" } });
    expect(message).to.include("http.tokenFile: must be given when http.host (0.0.0.0) is not loopback");
    const config = loadConfig(write({ ...least, http: { host: "0.0.0.0", tokenFile: "token" } }), {}, {});
    expect(config.http.tokenFile).to.equal(join(folder, "token"));
  });

  it("refuses half a key and half a login", () => {
    expect(refusal({ ...least, anchorKey: { keystore: "a.json" } }).message).to.include("passwordFile");
    const broker = { url: "mqtts://broker:8883", username: "oracle" };
    expect(refusal({ ...least, broker }).message).to.include("broker.passwordFile: must be given");
  });

  it("asks for the devices' logins of an embedded broker", () => {
    expect(refusal({ ...least, broker: { url: "embedded" } }).message).to.include(
      "broker.devicesFile: must be given",
    );
  });

  it("asks only for what a reading command needs", () => {
    const { state, deployment, chain } = least;
    expect(loadReadConfig(write({ state, deployment, chain }), {}, {}).chain.stream).to.equal(1);
    expect(loadReadConfig(write(least), {}, {})).not.to.have.property("anchorKey");
    expect(() => loadReadConfig(write({ state }), {}, {})).to.throw("deployment: is missing");
    expect(loadStateDir(undefined, {}, { state: "here" })).to.equal("here");
  });

  it("names a file that cannot be read", () => {
    expect(() => loadConfig(join(folder, "none.json"), {}, {})).to.throw(
      "The configuration file cannot be read",
    );
  });

  it("refuses a file that is no object, and a setting that is none where options go deeper", () => {
    for (const settings of [null, [], "x"] as unknown as object[]) {
      expect(refusal(settings, {}, { "chain.rpc": "http://x" }).message).to.include(
        "must be one JSON object",
      );
    }
    const overrides = { "chain.rpc": "http://flag:2", "anchorKey.file": "key" };
    const { message } = refusal({ ...least, chain: "http://x", anchorKey: "key" }, {}, overrides);
    expect(message).to.include("chain: ").and.to.include('anchorKey: must be {"file": …}');
  });

  it("refuses settings of the broker that would have no effect", () => {
    const cases: [object, string][] = [
      [{ url: "mqtt://broker", caFile: "ca.pem" }, "broker.caFile: is for TLS"],
      [{ url: "mqtts://me:secret@broker" }, "broker.url: must not hold a login"],
      [{ url: "mqtts://broker", passwordFile: "password" }, "broker.username: must be given"],
      [{ url: "mqtts://broker", devicesFile: "devices.json" }, "are for the embedded broker"],
      [
        { url: "embedded", devicesFile: "devices.json", caFile: "ca.pem" },
        "broker.caFile: the embedded broker",
      ],
    ];
    for (const [broker, fault] of cases) {
      const { message } = refusal({ ...least, broker });
      expect(message).to.include(fault);
      expect(message).not.to.include("secret");
    }
  });

  it("takes several nodes, as a list or with commas, and the key for their tokens", () => {
    const rpc = ["https://a:8545", "wss://b:8546"];
    const config = loadConfig(write({ ...least, chain: { rpc, jwtKey: "jwt.pem", stream: 1 } }), {}, {});
    expect(config.chain.rpc).to.deep.equal(rpc);
    expect(config.chain.jwtKey).to.equal(join(folder, "jwt.pem"));
    const env = { TENON_CHAIN_RPC: rpc.join(", "), TENON_CHAIN_JWT_KEY: "/keys/jwt.pem" };
    expect(loadConfig(write(least), env, {}).chain).to.include({
      rpc: rpc.join(", "),
      jwtKey: "/keys/jwt.pem",
    });
    expect(refusal({ ...least, chain: { rpc: [], stream: 1 } }).message).to.include("chain.rpc: must be");
    expect(refusal({ ...least, chain: { rpc: "http://a,b", stream: 1 } }).message).to.include("chain.rpc");
  });

  it("prints no passwords", () => {
    const settings = { ...least, chain: { rpc: "https://me:secret@node:1", stream: 1 } };
    const text = JSON.stringify(printable(loadConfig(write(settings), {}, {})));
    expect(text).not.to.include("secret");
    expect(text).to.include("node:1");
  });
});
