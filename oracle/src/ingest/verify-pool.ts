import { Worker } from "node:worker_threads";
import { TenonError } from "@tenon/sdk/errors";
import type { Logger } from "../options.js";
import type { RejectReason } from "../state/types.js";
import { type Chunk, READY, type Signer, type Verdicts } from "./verify.js";

/** A frame to check, and who it must be from. */
export interface Unverified {
  raw: Uint8Array;
  signer: Signer;
}

/** A frame that holds. Hashes are 32 bytes. */
export interface Verified {
  epoch: number;
  seq: bigint;
  readings: number;
  hash: Uint8Array;
  prev: Uint8Array;
  leaf: Uint8Array;
}

interface Job {
  frames: Unverified[];
  /** Workers that ended over it. */
  losses: number;
  resolve(results: (Verified | RejectReason)[]): void;
  reject(error: Error): void;
}

interface Thread {
  worker: Worker;
  /** It has loaded and takes frames. */
  ready: boolean;
  job: Job | undefined;
  /** Ends it when the job takes too long. */
  deadline: NodeJS.Timeout | undefined;
}

/** Far above what a chunk takes: a thread that is still at it hangs. */
const JOB_MS = 30_000;
const CHUNK = 128;
const MIN_CHUNK = 16;

/**
 * Checks frames on threads of its own, so that signatures never hold up the acknowledgements. A thread that ends
 * is replaced and its frames are tried again, one by one; a frame that ends a thread by itself is refused as
 * `unverifiable`. A thread that does not answer in time is ended.
 */
export class VerifyPool {
  readonly #aad: Uint8Array;
  readonly #logger: Logger;
  readonly #threads = new Set<Thread>();
  readonly #size: number;
  readonly #jobMs: number;
  readonly #waiting: Job[] = [];
  #closed = false;
  /** Threads that ended and were replaced. */
  losses = 0;

  constructor(size: number, aad: Uint8Array, logger: Logger, jobMs = JOB_MS) {
    this.#aad = aad;
    this.#logger = logger;
    this.#size = size;
    this.#jobMs = jobMs;
    for (let i = 0; i < size; i++) this.#spawn();
  }

  /** The verdict on each frame, in order. */
  async verify(frames: Unverified[]): Promise<(Verified | RejectReason)[]> {
    const size = Math.min(CHUNK, Math.max(MIN_CHUNK, Math.ceil(frames.length / this.#size)));
    const jobs: Promise<(Verified | RejectReason)[]>[] = [];
    for (let from = 0; from < frames.length; from += size) {
      jobs.push(this.#submit(frames.slice(from, from + size), 0));
    }
    return (await Promise.all(jobs)).flat();
  }

  /** Whether any thread takes frames. */
  get ready(): boolean {
    return [...this.#threads].some(({ ready }) => ready);
  }

  /** The threads, for tests that end one. */
  get workers(): Worker[] {
    return [...this.#threads].map(({ worker }) => worker);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closed = new TenonError("VerifyPoolClosed", "The verification threads were stopped.");
    for (const job of this.#waiting.splice(0)) job.reject(closed);
    for (const { job } of this.#threads) job?.reject(closed);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #submit(frames: Unverified[], losses: number): Promise<(Verified | RejectReason)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frames, losses, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (!thread.ready || thread.job !== undefined) continue;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      thread.job = job;
      thread.deadline = setTimeout(() => this.#giveUp(thread), this.#jobMs);
      const chunk = pack(job.frames);
      thread.worker.postMessage(chunk, [chunk.bytes.buffer, chunk.ends.buffer, chunk.signer.buffer]);
    }
  }

  #giveUp({ worker }: Thread): void {
    this.#logger.error({ seconds: this.#jobMs / 1_000 }, "a verification thread does not answer: ended");
    void worker.terminate();
  }

  #spawn(): void {
    const typescript = import.meta.url.endsWith(".ts");
    const worker = new Worker(new URL(`./verify-worker.${typescript ? "ts" : "js"}`, import.meta.url), {
      workerData: { aad: this.#aad },
      // Run from source, a thread needs the same loader as the process.
      ...(typescript ? { execArgv: ["--import", import.meta.resolve("tsx")] } : {}),
    });
    const thread: Thread = { worker, ready: false, job: undefined, deadline: undefined };
    this.#threads.add(thread);
    worker.on("message", (verdicts: Verdicts | typeof READY) => {
      if (verdicts === READY) thread.ready = true;
      else thread.job?.resolve(unpack(verdicts));
      thread.job = undefined;
      clearTimeout(thread.deadline);
      this.#dispatch();
    });
    worker.on("error", (error) => this.#logger.error({ error: String(error) }, "verification thread failed"));
    worker.on("exit", () => this.#onExit(thread));
  }

  #onExit(thread: Thread): void {
    this.#threads.delete(thread);
    clearTimeout(thread.deadline);
    if (this.#closed) return;
    this.losses++;
    const { job } = thread;
    if (job !== undefined) this.#retry(job);
    // A short wait, so that a thread that cannot start does not spin.
    setTimeout(() => {
      if (this.#closed) return;
      this.#spawn();
      this.#dispatch();
    }, 50);
  }

  #retry(job: Job): void {
    if (job.frames.length === 1 && job.losses > 0) {
      job.resolve(["unverifiable"]);
      return;
    }
    const again = job.frames.map((frame) => this.#submit([frame], job.losses + 1));
    void Promise.all(again).then((results) => job.resolve(results.flat()), job.reject);
  }
}

function pack(frames: Unverified[]): Chunk {
  const ends = new Uint32Array(frames.length);
  const signer = new Uint32Array(frames.length);
  const signers: Signer[] = [];
  const places = new Map<Signer["key"], number>();
  const bytes = new Uint8Array(frames.reduce((sum, { raw }) => sum + raw.length, 0));
  let at = 0;
  frames.forEach((frame, i) => {
    bytes.set(frame.raw, at);
    at += frame.raw.length;
    ends[i] = at;
    const place = places.get(frame.signer.key) ?? signers.push(frame.signer) - 1;
    places.set(frame.signer.key, place);
    signer[i] = place;
  });
  return { bytes, ends, signer, signers };
}

function unpack({ reasons, epochs, seqs, readings, hashes }: Verdicts): (Verified | RejectReason)[] {
  return reasons.map((reason, i) => {
    if (reason !== "") return reason;
    const at = 96 * i;
    return {
      epoch: epochs[i]!,
      seq: seqs[i]!,
      readings: readings[i]!,
      hash: hashes.slice(at, at + 32),
      prev: hashes.slice(at + 32, at + 64),
      leaf: hashes.slice(at + 64, at + 96),
    };
  });
}
