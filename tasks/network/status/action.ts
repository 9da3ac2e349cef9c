import type { Bundle } from "../../../besu-network/bundle/manifest.js";
import { networkStatus, type Status, type Verdict } from "../../../besu-network/run/status.js";
import { answering } from "../../run.js";
import { toJson } from "../../tenon.js";
import { bundleAt } from "../bundle.js";
import { statusText } from "./text.js";

const exitCodes: Record<Verdict, number> = { running: 0, degraded: 1, stalled: 2, down: 2 };

export default async ({ dir, json }: { dir: string | undefined; json: boolean }): Promise<void> => {
  process.exitCode = 2; // whatever keeps the answer from being given
  let status: Status | undefined;
  await answering(async () => {
    const bundle: Bundle = bundleAt(dir);
    status = await networkStatus(bundle);
    console.log(json ? toJson(status) : statusText(status));
  });
  process.exitCode = status === undefined ? 2 : exitCodes[status.verdict];
};
