import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Ipc } from "../../besu-network/run/ipc.js";
import { refusal } from "../support/refusal.js";

/** How a node answers a request it has read whole. */
type Answering = (request: { id: number; method: string; params: unknown[] }, socket: Socket) => void;

const echo: Answering = ({ id, params }, socket) =>
  socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, result: params })}\n`);

/**
 * A socket that reads as Besu does: what comes at once is parsed as whole requests, a piece of one is a parse error. It
 * reads `first` bytes at once on a fresh connection and sixteen times more after each full read.
 */
function serve(path: string, answering: Answering, first = 2_048): Promise<Server> {
  const server = createServer((socket) => {
    let atOnce = first;
    socket.on("data", (data) => {
      for (let from = 0; from < data.length; ) {
        const read = data.subarray(from, from + atOnce);
        from += read.length;
        if (read.length === atOnce) atOnce *= 16;
        try {
          for (const line of read.toString().split("\n")) {
            if (line !== "") answering(JSON.parse(line), socket);
          }
        } catch {
          socket.write('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}\n');
        }
      }
    });
    socket.on("error", () => {});
  });
  return new Promise((resolve) => server.listen(path, () => resolve(server)));
}

describe("a node's admin socket", () => {
  let folder: string;
  let server: Server | undefined;
  const path = () => join(folder, "besu.ipc");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ipc-"));
  });

  afterEach(() => {
    server?.close();
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  it("gives each of many calls at once its own answer, whatever the order", async () => {
    server = await serve(path(), (request, socket) => {
      const after = Number(request.params[0]) % 7;
      setTimeout(() => echo(request, socket), 5 * after);
    });
    const ipc = await Ipc.open(path(), "validator1");
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const given = await Promise.all(numbers.map((number) => ipc.call("echo", [number])));
    expect(given).to.deep.equal(numbers.map((number) => [number]));
  });

  it("puts an answer together that comes in pieces, cut inside a character too", async () => {
    const text = "电池 ".repeat(200);
    server = await serve(path(), ({ id }, socket) => {
      const whole = Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, result: text })}\n`);
      for (let from = 0; from < whole.length; from += 97) {
        setTimeout(() => socket.write(whole.subarray(from, from + 97)), from / 97);
      }
    });
    const ipc = await Ipc.open(path(), "validator1");
    expect(await ipc.call("text")).to.equal(text);
  });

  it("sends a long request again that the node has read in pieces", async () => {
    let heard = 0;
    server = await serve(path(), (request, socket) => {
      heard++;
      echo(request, socket);
    });
    const ipc = await Ipc.open(path(), "validator1");
    const long = "ab".repeat(10_000);
    expect(await ipc.call("echo", [long])).to.deep.equal([long]);
    expect(heard, "a request must be carried out once").to.equal(1);
  });

  it("gives up on a request that is never read whole", async () => {
    server = await serve(path(), (_, socket) => {
      socket.write('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}\n');
    });
    const ipc = await Ipc.open(path(), "validator1");
    const error = await refusal(ipc.call("echo"));
    expect(error.code).to.equal("NodeRefused");
    expect(error.args.code).to.equal(-32700);
  });

  it("reaches a socket whose path is longer than an address may be, and leaves nothing behind", async () => {
    const here = process.cwd();
    const deep = join(folder, ...Array.from({ length: 6 }, () => "a".repeat(30)));
    mkdirSync(deep, { recursive: true });
    process.chdir(deep);
    server = await serve("besu.ipc", echo);
    process.chdir(here);
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("tenon-socket-"));
    const before = left();
    const ipc = await Ipc.open(join(deep, "besu.ipc"), "validator1");
    expect(await ipc.call("echo", [1])).to.deep.equal([1]);
    expect(left()).to.deep.equal(before);
    process.chdir(deep);
    server.close();
    process.chdir(here);
  });

  it("says which node does not run", async () => {
    const error = await refusal(Ipc.open(path(), "validator3"));
    expect(error.code).to.equal("NodeUnreachable");
    expect(error.message).to.match(/does not run here/);
    expect(error.args).to.deep.equal({ node: "validator3" });
  });

  it("ends a call that has no answer in time", async () => {
    server = await serve(path(), () => {});
    const ipc = await Ipc.open(path(), "validator1", { timeout: 50 });
    const error = await refusal(ipc.call("eth_blockNumber"));
    expect(error.code).to.equal("NodeSilent");
    expect(error.args).to.deep.include({ method: "eth_blockNumber", milliseconds: 50 });
  });

  it("passes on what the node refuses", async () => {
    server = await serve(path(), ({ id }, socket) => {
      socket.write(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}\n`);
    });
    const ipc = await Ipc.open(path(), "validator1");
    const error = await refusal(ipc.call("nix"));
    expect(error.code).to.equal("NodeRefused");
    expect(error.args).to.deep.include({ method: "nix", code: -32601, reason: "Method not found" });
  });

  it("fails waiting calls when the node goes away, and when it is closed here", async () => {
    server = await serve(path(), (_, socket) => socket.destroy());
    const ipc = await Ipc.open(path(), "validator1");
    expect((await refusal(ipc.call("eth_blockNumber"))).code).to.equal("NodeUnreachable");
    server.close();
    server = await serve(join(folder, "silent"), () => {});
    const other = await Ipc.open(join(folder, "silent"), "validator2");
    const waiting = refusal(other.call("eth_blockNumber"));
    setTimeout(() => other.close(), 20);
    expect((await waiting).code).to.equal("NodeUnreachable");
    expect((await refusal(other.call("eth_blockNumber"))).code).to.equal("NodeUnreachable");
  });
});
