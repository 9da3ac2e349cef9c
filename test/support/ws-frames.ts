import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** The server's end of a WebSocket (RFC 6455), as far as JSON-RPC needs it: whole text messages, and closing. */
export class WsPeer {
  #bytes = Buffer.alloc(0);

  constructor(
    readonly stream: Duplex,
    request: IncomingMessage,
    onText: (text: string) => void,
  ) {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
        if (frame.opcode === 1) onText(frame.payload.toString());
        if (frame.opcode === 8) this.#close(frame.payload);
      }
    });
  }

  send(text: string): void {
    if (this.stream.writable) this.stream.write(frameOf(1, Buffer.from(text)));
  }

  /** As when the node is killed: no closing words. */
  cut(): void {
    this.stream.destroy();
  }

  #close(payload: Buffer): void {
    this.stream.end(frameOf(8, payload));
  }

  /** Takes one whole frame off the received bytes; a client's frames are masked. */
  #next(): { opcode: number; payload: Buffer } | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const short = bytes[1]! & 0x7f;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < start + 4) return undefined;
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    const end = start + 4 + length;
    if (bytes.length < end) return undefined;
    const mask = bytes.subarray(start, start + 4);
    const payload = Buffer.from(bytes.subarray(start + 4, end)).map((byte, i) => byte ^ mask[i % 4]!);
    this.#bytes = bytes.subarray(end);
    return { opcode: bytes[0]! & 0x0f, payload: Buffer.from(payload) };
  }
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}
