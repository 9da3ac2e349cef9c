const [name, nth] = (process.env.TENON_FAILPOINT ?? "").split(":");
let left = Number(nth ?? 1);

/**
 * A named point for crash tests: with TENON_FAILPOINT=name or name:n in the environment, the process kills itself
 * (SIGKILL: no handler runs, nothing is flushed) the first or the n-th time it passes the point of that name.
 * Points: receive, verify, append, fsync, checkpoint, ack, batch-close; intent, send, receipt on the chain side.
 */
export function failpoint(point: string): void {
  if (point === name && --left === 0) process.kill(process.pid, "SIGKILL");
}
