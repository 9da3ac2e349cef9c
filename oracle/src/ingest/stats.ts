/** Running totals of the data path since the start of the process, for metrics. */
export class PipelineStats {
  /** Messages taken from the broker. */
  received = 0;
  /** Frames in the log. */
  frames = 0;
  /** Readings in frames that held, duplicates included. */
  readings = 0;
  bytes = 0;
  duplicates = 0;
  /** Messages counted into rate-limited rejects. */
  rateLimited = 0;
  commits = 0;
  /** Time spent in append and fdatasync. */
  commitSeconds = 0;
  /** Time spent waiting for verification. */
  verifySeconds = 0;
  batches = 0;
  /** Reject records, by reason. */
  readonly rejects = new Map<string, number>();

  reject(reason: string): void {
    this.rejects.set(reason, (this.rejects.get(reason) ?? 0) + 1);
  }
}
