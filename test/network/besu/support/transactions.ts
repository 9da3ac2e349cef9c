import { sha256, Transaction, type TransactionLike, type Wallet } from "ethers";

const noFee = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } as const;

/** Signs, sends nothing. */
export function signed(wallet: Wallet, request: TransactionLike): Promise<string> {
  return wallet.signTransaction({ ...noFee, gasLimit: 21_000n, ...request });
}

/** Transfers of nothing from one key, with these nonces. */
export async function transfers(wallet: Wallet, chainId: number, count: number, from = 0): Promise<string[]> {
  const raw: string[] = [];
  for (let nonce = from; nonce < from + count; nonce++) {
    raw.push(await signed(wallet, { chainId, nonce, to: wallet.address, value: 0n }));
  }
  return raw;
}

/** Sends with so many requests under way at once; each answer is told to `taken` with the place of its transaction. */
export async function sendAll(
  raw: readonly string[],
  send: (raw: string, index: number) => Promise<unknown>,
  lanes = 32,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < raw.length; index = next++) await send(raw[index]!, index);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const BLOB_BYTES = 131_072;
/** The point at infinity: commitment and proof of the polynomial zero, which is the blob with nothing in it. */
const INFINITY = `0xc0${"00".repeat(47)}`;
const CELLS = 128;

/**
 * A valid blob transaction. Its blob is all zeros, whose commitment and proofs need no trusted setup.
 * @param format What goes with the blob: one proof for it (before Osaka), or one for each cell (EIP-7594).
 */
export async function blobTransaction(
  wallet: Wallet,
  chainId: number,
  format: "blob proof" | "cell proofs",
): Promise<string> {
  const cells = format === "cell proofs";
  const proof = cells ? `0x${INFINITY.slice(2).repeat(CELLS)}` : INFINITY;
  const transaction = Transaction.from({
    type: 3,
    chainId,
    nonce: 0,
    to: wallet.address,
    gasLimit: 21_000n,
    maxFeePerGas: 0n,
    maxPriorityFeePerGas: 0n,
    maxFeePerBlobGas: 0n,
    blobVersionedHashes: [`0x01${sha256(INFINITY).slice(4)}`],
    blobs: [{ data: `0x${"00".repeat(BLOB_BYTES)}`, commitment: INFINITY, proof }],
    ...(cells ? { blobWrapperVersion: 1 } : {}),
  });
  transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
  return transaction.serialized;
}

/** Creation code of a contract whose code is so many zero bytes. */
export function creationOf(bytes: number): string {
  return `0x62${bytes.toString(16).padStart(6, "0")}5ff3`; // PUSH3 bytes, PUSH0, RETURN
}
