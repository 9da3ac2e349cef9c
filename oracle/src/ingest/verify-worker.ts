import { parentPort, workerData } from "node:worker_threads";
import { type Chunk, READY, verifyChunk } from "./verify.js";

const { aad } = workerData as { aad: Uint8Array };

parentPort?.on("message", (chunk: Chunk) => {
  const verdicts = verifyChunk(chunk, aad);
  const { epochs, seqs, readings, hashes } = verdicts;
  parentPort?.postMessage(verdicts, [epochs.buffer, seqs.buffer, readings.buffer, hashes.buffer]);
});

parentPort?.postMessage(READY);
