/** What another program imports to run an oracle inside itself; the command line is in `cli.ts`. */
export { type Config, loadConfig, printable } from "./config.js";
export { Oracle } from "./oracle.js";
export type { Difference, VerifyReport } from "./verify/report.js";
export { type VerifyOptions, verifyState } from "./verify/verify.js";
