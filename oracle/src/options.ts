import type { KeyObject } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Hex } from "@tenon/sdk/bytes";
import type { DeviceDirectory } from "./state/types.js";

/** The MQTT broker the oracle listens to. */
export interface BrokerOptions {
  /** mqtt://host:port or mqtts://host:port. */
  url: string;
  username?: string;
  password?: string;
  /** PEM of the authority that signed the broker's certificate; the system's store when absent. */
  ca?: string;
  /** Prefix of the client ids, one connection a lane; the broker keeps a session for each. Default tenon-oracle. */
  clientId?: string;
}

/** When a batch closes: at whichever comes first. While an anchor is on its way only `frames` and `bytes` count. */
export interface BatchRules {
  /** Milliseconds after its first frame; an alarm closes it at once. Default 1,000. */
  intervalMs: number;
  /** Default 16,384. */
  frames: number;
  /** Default 16 MiB. */
  bytes: number;
}

/** What one source may cost the oracle with input that turns out to be refused. */
export interface RateRules {
  /** Refused messages a second that are still checked one by one; beyond, they are only counted and hashed. */
  perSecond: number;
  /** Messages of one source that may be under check at once; at least a commit's size. */
  burst: number;
  /** Raw bytes of refused messages kept for a source each second; beyond, length and hash are kept. */
  rejectBytesPerSecond: number;
  rejectBytesBurst: number;
}

/** The part of pino's logger that the data path uses. */
export interface Logger {
  info(values: object, message: string): void;
  warn(values: object, message: string): void;
  error(values: object, message: string): void;
}

export interface PipelineOptions {
  /** Folder of the segment log. */
  logDir: string;
  /** From openState; used on this thread only. */
  db: DatabaseSync;
  /** Must know every device of the log before `start`. */
  directory: DeviceDirectory;
  /** What frames are signed for. */
  domain: { chainId: bigint; registry: Hex };
  /** P-256 private key that signs receipts. */
  receiptKey: KeyObject;
  broker: BrokerOptions;
  /** True while a closed batch is not anchored yet. Asked often: keep it cheap. */
  anchorWaiting: () => boolean;
  logger: Logger;
  batch?: Partial<BatchRules>;
  rate?: Partial<RateRules>;
  /** Most messages in one commit, and Receive Maximum of each connection. Default 1,000. */
  commitSize?: number;
  /** Verification threads. Default: processors - 1, at least 1. */
  verifyWorkers?: number;
  /** Default 64 MiB. */
  segmentBytes?: number;
}
