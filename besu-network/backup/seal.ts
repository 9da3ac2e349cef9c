import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { TenonError } from "../../sdk/src/errors.js";

/*
 * magic 8 ‖ log2 of scrypt's N, r, p: 3 ‖ salt 16 ‖ HMAC-SHA256 of these: 32, then chunks of 1 MiB, each with its AES-256-GCM
 * tag. scrypt gives 64 bytes: the chunks' key, new with every salt, and the key of the HMAC. A chunk's nonce is its number
 * and whether it is the last, so that none can be swapped, left out or cut off.
 */
const MAGIC = Buffer.from("TENONBK1", "ascii");
const COST = { logN: 17, r: 8, p: 1 };
const SALT = 16;
const FIELDS = MAGIC.length + 3 + SALT;
const MAC = 32;
const TAG = 16;
export const HEADER_BYTES = FIELDS + MAC;
export const CHUNK_BYTES = 1 << 20;
const SHORTEST_PASSPHRASE = 12;

/** Encrypts a stream under a passphrase. */
export async function* seal(
  plain: AsyncIterable<Uint8Array>,
  passphrase: string,
): AsyncGenerator<Uint8Array> {
  if (passphrase.length < SHORTEST_PASSPHRASE) {
    throw new TenonError("PassphraseShort", "The passphrase is too short to protect a node's key", {
      args: { characters: passphrase.length, atLeast: SHORTEST_PASSPHRASE },
      remedy: "Take five or more random words.",
    });
  }
  const fields = Buffer.concat([MAGIC, Buffer.from([COST.logN, COST.r, COST.p]), randomBytes(SALT)]);
  const keys = keysOf(fields, passphrase);
  yield Buffer.concat([fields, keys.mac]);
  let pending = Buffer.alloc(0);
  let index = 0;
  for await (const part of plain) {
    pending = Buffer.concat([pending, part]);
    // The last chunk may be full, so a full one waits until more comes.
    for (; pending.length > CHUNK_BYTES; pending = pending.subarray(CHUNK_BYTES)) {
      yield sealChunk(keys.chunks, index++, false, pending.subarray(0, CHUNK_BYTES));
    }
  }
  yield sealChunk(keys.chunks, index, true, pending);
}

/** Decrypts a file, chunk by chunk; what it yields is authentic, and it ends without an error only at the true end. */
export async function* unseal(path: string, passphrase: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r").catch((cause: Error) => {
    throw new TenonError("BackupUnreadable", "The backup cannot be opened", {
      args: { file: path, reason: cause.message },
      cause,
    });
  });
  try {
    const key = await openHeader(file, path, passphrase);
    const { size } = await file.stat();
    let position = HEADER_BYTES;
    for (let index = 0; ; index++) {
      const sealed = await read(file, position, Math.min(CHUNK_BYTES + TAG, size - position));
      position += sealed.length;
      const last = position >= size;
      const plain = openChunk(key, index, last, sealed);
      if (plain === undefined) throw broken(path, position, last && openChunk(key, index, false, sealed));
      yield plain;
      if (last) return;
    }
  } finally {
    await file.close();
  }
}

async function openHeader(file: FileHandle, path: string, passphrase: string): Promise<Buffer> {
  const header = await read(file, 0, HEADER_BYTES);
  const fields = header.subarray(0, FIELDS);
  if (header.length < HEADER_BYTES || !fields.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new TenonError("BackupUnreadable", "This file is no backup of a node", {
      args: { file: path },
      remedy: "Give a file that npx hardhat network backup wrote.",
    });
  }
  const keys = keysOf(fields, passphrase);
  if (timingSafeEqual(keys.mac, header.subarray(FIELDS))) return keys.chunks;
  throw new TenonError("PassphraseWrong", "The passphrase does not open the backup", {
    args: { file: path },
    remedy: "Give the one it was made with. If you are sure of it, the head of the file is damaged.",
  });
}

function keysOf(fields: Buffer, passphrase: string): { chunks: Buffer; mac: Buffer } {
  const [logN, r, p] = fields.subarray(MAGIC.length);
  const salt = fields.subarray(MAGIC.length + 3);
  // A forged head must not make us work or allocate without bound before its HMAC can be looked at.
  if (logN! !== COST.logN || r !== COST.r || p !== COST.p) {
    throw new TenonError(
      "BackupUnreadable",
      "The backup's head asks for another key derivation than is used",
      {
        args: { logN, r, p },
        remedy: "The head of the file is damaged, or a later version wrote it.",
      },
    );
  }
  const secret = passphrase.normalize("NFKC");
  const keys = scryptSync(secret, salt, 64, { N: 2 ** logN!, r: r!, p: p!, maxmem: 256 << 20 });
  return {
    chunks: keys.subarray(0, 32),
    mac: createHmac("sha256", keys.subarray(32)).update(fields).digest(),
  };
}

function nonce(index: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(index, 7);
  bytes.writeUInt8(last ? 1 : 0, 11);
  return bytes;
}

function sealChunk(key: Buffer, index: number, last: boolean, plain: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce(index, last));
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openChunk(key: Buffer, index: number, last: boolean, sealed: Buffer): Buffer | undefined {
  if (sealed.length < TAG) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, nonce(index, last), { authTagLength: TAG });
  decipher.setAuthTag(sealed.subarray(-TAG));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function broken(file: string, position: number, cut: Buffer | undefined | false): TenonError {
  if (cut) {
    return new TenonError("BackupCut", "The backup ends too early: a part of it is missing", {
      args: { file, bytes: position },
      remedy: "Copy it again from where it was made, or take an earlier backup.",
    });
  }
  return new TenonError("BackupDamaged", "The backup was changed after it was made", {
    args: { file, before: `byte ${position}` },
    remedy: "Copy it again from where it was made, or take an earlier backup.",
  });
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(length, 0));
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
