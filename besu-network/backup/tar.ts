import { TenonError } from "../../sdk/src/errors.js";

/* POSIX ustar, regular files only: what a node's folder needs, and what any tar reads. */
const BLOCK = 512;
/** Eleven octal digits; the database's files are some tens of megabytes. */
const LARGEST = 8 ** 11 - 1;

export interface TarFile {
  /** Relative, with forward slashes. */
  path: string;
  size: number;
  mode: number;
}

/** The block that goes before a file's bytes. */
export function tarHeader({ path, size, mode }: TarFile): Buffer {
  const [prefix, name] = splitPath(path);
  if (size > LARGEST) throw unfit(path, `has ${size} bytes, more than 8 GiB`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  block.write(octal(mode, 7), 100);
  block.write(`${octal(0, 7)}\0${octal(0, 7)}`, 108);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  block.write(prefix, 345, 155);
  block.write(`${octal(checksum(block), 6)}\0 `, 148);
  return block;
}

/** Zero bytes that fill up a file's last block. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** Two empty blocks. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** Calls `take` for every file in order; it gets the bytes as they come. Stops at anything it does not know. */
export async function readTar(
  bytes: AsyncIterable<Uint8Array>,
  take: (file: TarFile, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const source = new ByteSource(bytes);
  for (;;) {
    const block = await source.take(BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const file = parseHeader(block);
    let left = file.size;
    const body = (async function* () {
      for (; left > 0; ) {
        const part = await source.some(left);
        left -= part.length;
        yield part;
      }
    })();
    await take(file, body);
    while (left > 0) left -= (await source.some(left)).length;
    await source.take(tarPadding(file.size).length);
  }
  // To the end of the sealed stream: only there is it known to be whole.
  await source.take(BLOCK);
  await source.finish();
}

function parseHeader(block: Buffer): TarFile {
  const text = (from: number, length: number) => block.toString("utf8", from, from + length).split("\0")[0]!;
  const number = (from: number, length: number) => Number.parseInt(text(from, length).trim(), 8);
  const prefix = text(345, 155);
  const path = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  const stored = number(148, 8);
  block.fill(" ", 148, 156);
  if (stored !== checksum(block)) throw unfit(path, "has a wrong checksum");
  if (text(156, 1) !== "0") throw unfit(path, "is no regular file");
  const steps = path.split("/");
  if (path.includes("\\") || steps.some((step) => step === "" || step === "." || step === "..")) {
    throw unfit(path, "does not stay in its folder");
  }
  return { path, size: number(124, 12), mode: number(100, 8) };
}

function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ["", path];
  for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1)) {
    const name = path.slice(cut + 1);
    if (Buffer.byteLength(name) > 100) continue;
    if (cut <= 155) return [path.slice(0, cut), name];
  }
  throw unfit(path, "has a name too long for a tar archive");
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");

const checksum = (block: Buffer) => block.reduce((sum, byte) => sum + byte, 0);

function unfit(file: string, reason: string): TenonError {
  return new TenonError("ArchiveUnfit", "A file of the archive cannot be used", { args: { file, reason } });
}

/** Cuts a stream into the lengths that are asked for. */
class ByteSource {
  readonly #parts: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#parts = bytes[Symbol.asyncIterator]();
  }

  /** Between one and `most` bytes. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#parts.next();
      if (done === true) throw unfit("the archive", "ends too early");
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = length; left > 0; left -= parts.at(-1)!.length) parts.push(await this.some(left));
    return Buffer.concat(parts);
  }

  async finish(): Promise<void> {
    if (this.#rest.length > 0 || (await this.#parts.next()).done !== true) {
      throw unfit("the archive", "has bytes after its end");
    }
  }
}
