import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Oracle } from "../../oracle/src/oracle.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { type Device, DeviceClient, DeviceSigner, saveKey } from "../../sdk/src/device/index.js";
import type { DeviceKey } from "../../sdk/src/frame/index.js";
import { verifyFrameProof } from "../../sdk/src/proof/bundle.js";
import { verifyDeviceRange } from "../../sdk/src/proof/range.js";
import { failure } from "../support/failure.js";
import { NoAnswer, RpcServer } from "../support/rpc-server.js";
import { until } from "./support/chain.js";
import { eventually, get, type Plant, startPlant } from "./support/plant.js";

describe("oracle", () => {
  let plant: Plant;
  let oracle: Oracle;
  let device: Device;
  let key: DeviceKey;

  const blockHash = async (number: string) =>
    (await plant.chain.ethers.provider.getBlock(Number(number)))!.hash as Hex;
  const refused = async (path: string, status: number, code: string) => {
    const answer = await get(oracle.url, path);
    expect(answer.body.code, path).to.equal(code);
    expect(answer.status, path).to.equal(status);
    expect(answer.body).to.have.keys("code", "message", "args", "remedy", "asOf");
    return answer.body;
  };

  before(async () => {
    plant = await startPlant();
    oracle = await plant.startOracle();
    ({ device, key } = await plant.newDevice(1));
    await eventually(oracle.url, `/devices/${device.id}`);
    for (let i = 0; i < 20; i++) device.record([{ name: "t", unit: "Cel", value: i }]);
    await eventually(oracle.url, `/proof/frame?device=${device.id}&epoch=1&seq=20`);
  });
  after(async () => {
    await oracle.stop();
    await plant.close();
  });

  afterEach(() => {
    plant.chain.rpc.fault = undefined;
  });

  describe("/proof/frame", () => {
    it("leads from a device's signature to a trusted block hash", async () => {
      const { body } = await get(oracle.url, `/proof/frame?device=${device.id}&epoch=1&seq=3`);
      expect(body.asOf).to.have.keys("block", "hash", "batch");
      const trustedBlockHash = await blockHash(body.block.number);
      const trust = { deployment: plant.chain.deployment, trustedBlockHash, deviceKey: key };
      const steps = verifyFrameProof(body, trust).map(({ name }) => name);
      expect(steps).to.include.members(["device signature", "batch root", "contract", "receipt", "block"]);
    });

    it("is the same by log index, and holds before the contract", async () => {
      const byName = await get(
        oracle.url,
        `/proof/frame?device=${device.id.toUpperCase().replace("0X", "0x")}&epoch=1&seq=3`,
      );
      const byIndex = await get(oracle.url, "/proof/frame?logIndex=2");
      expect({ ...byIndex.body, asOf: 0 }).to.deep.equal({ ...byName.body, asOf: 0 });
      const { stream, ...anchor } = byIndex.body.anchor;
      const { frame, index, path, epochPath } = byIndex.body;
      const header = await plant.chain.reader.verify({ frame, stream, anchor, index, path, epochPath });
      expect(header.seq).to.equal(3n);
    });

    it("refuses what it does not know, with words", async () => {
      const unknown = `0x${"12".repeat(32)}`;
      await refused(`/proof/frame?device=${unknown}&epoch=1&seq=1`, 404, "DeviceUnknown");
      const body = await refused(`/proof/frame?device=${device.id}&epoch=1&seq=99`, 404, "FrameUnknown");
      expect(body.args).to.deep.equal({ device: device.id, epoch: 1, seq: "99" });
      await refused(`/proof/frame?device=${device.id}&epoch=2&seq=1`, 404, "FrameUnknown");
      await refused("/proof/frame?logIndex=20000", 404, "FrameUnknown");
    });

    it("checks its input strictly", async () => {
      for (const query of [
        "",
        "?device=0x12&epoch=1&seq=1",
        `?device=${device.id}&epoch=1`,
        `?device=${device.id}&epoch=0&seq=1`,
        `?device=${device.id}&epoch=1&seq=0`,
        `?device=${device.id}&epoch=1&seq=9223372036854775808`,
        `?device=${device.id}&epoch=1&seq=1&extra=1`,
        `?device=${device.id}&epoch=1&seq=1&seq=2`,
        "?logIndex=-1",
        "?logIndex=1e3",
        "?logIndex=1&seq=1",
      ]) {
        await refused(`/proof/frame${query}`, 400, "QueryInvalid");
      }
    });
  });

  describe("/proof/device-range", () => {
    const range = (from: number, to: number) =>
      `/proof/device-range?device=${device.id}&epoch=1&from=${from}&to=${to}`;

    it("proves that the frames of a range are all there are", async () => {
      for (const [from, to] of [
        [1, 20],
        [5, 12],
        [7, 7],
      ] as const) {
        const { body } = await get(oracle.url, range(from, to));
        expect(body.frames).to.have.length(to - from + 1);
        const hashes = [await blockHash(body.last.block.number), await blockHash(body.head.block.number)];
        const trust = { deployment: plant.chain.deployment, trustedBlockHash: hashes, deviceKey: key };
        expect(verifyDeviceRange(body, trust).map(({ name }) => name)).to.include("device head");
      }
    });

    it("refuses a range that is upside down, too long, or not complete", async () => {
      await refused(range(5, 4), 400, "RangeInvalid");
      await refused(range(1, 10_001), 400, "RangeTooLong");
      const body = await refused(range(1, 500), 409, "RangeIncomplete");
      expect(body.remedy).to.be.a("string");
    });
  });

  it("lists batches in pages and one by one", async () => {
    const { body } = await get(oracle.url, "/batches?limit=1");
    expect(body.batches).to.have.length(1);
    expect(body.batches[0]).to.include({ batch: 0, first: 0 });
    expect(body.batches[0].anchored.transaction).to.match(/^0x[0-9a-f]{64}$/);
    const one = await get(oracle.url, "/batches/0");
    expect({ ...one.body, asOf: undefined }).to.deep.equal({ ...body.batches[0], asOf: undefined });
    await refused("/batches/5000", 404, "BatchUnknown");
    await refused("/batches?limit=1001", 400, "QueryInvalid");
    await refused("/nowhere", 404, "RouteUnknown");
  });

  it("shows a device: record, heads, gaps and facts", async () => {
    const { body } = await get(oracle.url, `/devices/${device.id}`);
    expect(body.record).to.deep.include({ status: "active", epoch: 1, key });
    expect(body.heads[0]).to.include({ epoch: 1, contiguous: "20", highest: "20" });
    expect(body.gaps).to.deep.equal([]);
    await refused(`/devices/0x${"34".repeat(32)}`, 404, "DeviceUnknown");
  });

  it("is ready, says why not, and warns of a role that ends within 14 days", async () => {
    const ready = await eventually(oracle.url, "/readyz");
    expect(ready).to.deep.include({ ready: true, reasons: [], warnings: [] });

    await plant.chain.grantAnchorRole(10n);
    device.record([{ name: "t", unit: "Cel", value: 1 }]);
    await until(async () => (await get(oracle.url, "/readyz")).body.warnings.length > 0, "it warns");
    const { body } = await get(oracle.url, "/readyz");
    expect(body.ready).to.equal(true);
    expect(body.warnings[0].part).to.equal("role");
    expect(body.warnings[0].message).to.match(/ends at .* in (9|10) days/);
    await plant.chain.grantAnchorRole(30n);
  });

  it("tells Prometheus what it did", async () => {
    const text = await (await fetch(`${oracle.url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "m").exec(text)?.[1]);
    expect(value("tenon_frames_total")).to.be.at.least(20);
    expect(value("tenon_log_head_frames")).to.be.at.least(20);
    expect(value("tenon_anchored_frames")).to.be.at.least(20);
    expect(value("tenon_devices")).to.equal(1);
    expect(value("tenon_fsync_seconds_total")).to.be.greaterThan(0);
    expect(value("tenon_gaps_open")).to.equal(0);
    expect(value("tenon_chain_block")).to.be.greaterThan(0);
    expect(value("tenon_role_expires_seconds")).to.be.greaterThan(86_400);
    expect(text).to.include('tenon_transactions_total{state="mined"}');
  });

  it("refuses a second oracle on the same key, which changes nothing", async () => {
    const second = { state: join(plant.folder, "state-2") };
    expect((await failure(plant.startOracle(second))).code).to.equal("LeaseHeld");
    expect((await get(oracle.url, "/livez")).body.alive).to.equal(true);
  });

  it("stops ready when the node is silent, goes on storing, and anchors when it is back", async () => {
    plant.chain.rpc.fault = async () => {
      throw new NoAnswer();
    };
    const anchored = oracle.url;
    device.record([{ name: "t", unit: "Cel", value: 2 }]);
    const { seq } = device.journal.next();
    const place = `/proof/frame?device=${device.id}&epoch=1&seq=${seq - 1n}`;
    await until(
      async () => (await get(anchored, place)).body.code === "FrameNotAnchored",
      "stored, not anchored",
    );
    expect((await get(oracle.url, place)).status).to.equal(409);
    plant.chain.rpc.fault = undefined;
    await eventually(oracle.url, place);
  });

  it("goes on after a stop where it was", async () => {
    const { body: before } = await get(oracle.url, "/batches?limit=1000");
    await oracle.stop();
    oracle = await plant.startOracle();
    const { body: after } = await get(oracle.url, "/batches?limit=1000");
    expect(after.batches.slice(0, before.batches.length)).to.deep.equal(before.batches);
    device.record([{ name: "t", unit: "Cel", value: 3 }]);
    const { seq } = device.journal.next();
    await eventually(oracle.url, `/proof/frame?device=${device.id}&epoch=1&seq=${seq - 1n}`);
  });

  it("says that the node is silent when a proof needs it", async () => {
    plant.chain.rpc.fault = async () => {
      throw new NoAnswer();
    };
    await refused("/proof/frame?logIndex=0", 503, "NodeUnavailable");
    plant.chain.rpc.fault = undefined;
    expect((await get(oracle.url, "/proof/frame?logIndex=0")).status).to.equal(200);
  });

  it("asks for its token on every route but /livez", async () => {
    await oracle.stop();
    const tokenFile = join(plant.folder, "token");
    writeFileSync(tokenFile, "a-long-token\n", { mode: 0o600 });
    oracle = await plant.startOracle({ http: { host: "127.0.0.1", port: 0, tokenFile } });
    expect((await get(oracle.url, "/livez")).status).to.equal(200);
    for (const path of ["/readyz", "/batches", "/nowhere", "/livez/../batches"]) {
      const { status, body } = await get(oracle.url, path);
      expect({ status, code: body.code }, path).to.deep.equal({ status: 401, code: "TokenRefused" });
    }
    expect((await get(oracle.url, "/batches", "wrong")).status).to.equal(401);
    expect((await get(oracle.url, "/batches", "a-long-token")).status).to.equal(200);
    await oracle.stop();
    oracle = await plant.startOracle();
  });

  it("runs a broker of its own when told to, with the devices' logins from a file", async () => {
    await oracle.stop();
    const devicesFile = join(plant.folder, "devices.json");
    writeFileSync(devicesFile, JSON.stringify({ [device.id]: "its-own-password" }), { mode: 0o600 });
    oracle = await plant.startOracle({ broker: { url: "embedded", port: 0, devicesFile } });
    const client = new DeviceClient({ device, url: oracle.brokerUrl, password: "its-own-password" });
    client.start();
    device.record([{ name: "t", unit: "Cel", value: 4 }]);
    const { seq } = device.journal.next();
    await eventually(oracle.url, `/proof/frame?device=${device.id}&epoch=1&seq=${seq - 1n}`);
    await client.stop();

    await oracle.stop();
    writeFileSync(devicesFile, '{"0x12": "password"}');
    const error = await failure(plant.startOracle({ broker: { url: "embedded", port: 0, devicesFile } }));
    expect(error.code).to.equal("DevicesFileInvalid");
    oracle = await plant.startOracle();
  });

  it("refuses secrets that others can read", async () => {
    await oracle.stop();
    const { file } = plant.config.anchorKey as { file: string };
    chmodSync(file, 0o644);
    const error = await failure(plant.startOracle());
    expect(error.code).to.equal("KeyFileOpen");
    expect(error.remedy).to.equal(`chmod 600 ${file}`);
    chmodSync(file, 0o600);
    oracle = await plant.startOracle();
  });

  it("refuses a receipt key that no device would believe", async () => {
    await oracle.stop();
    const path = join(plant.folder, "other-curve.pem");
    saveKey(path, DeviceSigner.generate("secp256k1"));
    expect((await failure(plant.startOracle({ receiptKey: path }))).code).to.equal("ReceiptKeyInvalid");
    oracle = await plant.startOracle();
  });

  it("is not ready, and says why, while the node is behind what it showed", async () => {
    await eventually(oracle.url, "/readyz");
    const head = await plant.chain.ethers.provider.getBlockNumber();
    plant.chain.rpc.fault = async ({ method, params }, forward) => {
      if (method === "eth_blockNumber") return `0x${(head - 2).toString(16)}`;
      return method === "eth_getBlockByNumber" && params[0] === "latest"
        ? plant.chain.provider.request({ method, params: [`0x${(head - 2).toString(16)}`, false] })
        : forward();
    };
    await until(async () => (await get(oracle.url, "/readyz")).status === 503, "it is not ready");
    const { body } = await get(oracle.url, "/readyz");
    expect(body.reasons.map(({ code }: { code: string }) => code)).to.include("NodeBehind");
    plant.chain.rpc.fault = undefined;
    await eventually(oracle.url, "/readyz");
  });

  it("works with several nodes, and warns of one that is lost", async () => {
    await oracle.stop();
    const second = await RpcServer.start(plant.chain.provider as never);
    try {
      const rpc = [plant.chain.rpc.url, second.url];
      oracle = await plant.startOracle({ chain: { ...plant.config.chain, rpc } });
      await eventually(oracle.url, "/readyz");
      plant.chain.rpc.fault = async () => {
        throw new NoAnswer();
      };
      await until(async () => {
        const { body } = await get(oracle.url, "/readyz");
        const warning = body.warnings.find(({ part }: { part: string }) => part === "chain");
        return body.ready && warning?.message.startsWith(`node ${plant.chain.rpc.url}: `);
      }, "it is ready, and warns");
      plant.chain.rpc.fault = undefined;
      await oracle.stop();
    } finally {
      await second.close();
    }
    oracle = await plant.startOracle();
  });

  it("refuses to start on a chain that lost its blocks, and on another genesis", async () => {
    await oracle.stop();
    const other = join(plant.folder, "other.json");
    const record = { ...plant.chain.deployment, genesisHash: `0x${"ab".repeat(32)}` };
    writeFileSync(other, JSON.stringify(record));
    expect((await failure(plant.startOracle({ deployment: other }))).code).to.equal("GenesisMismatch");
    oracle = await plant.startOracle();
  });
});
