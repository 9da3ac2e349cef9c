import { type Recovery, recover } from "../../../besu-network/run/recover.js";
import { wholeNumber } from "../../options.js";
import { answering } from "../../run.js";
import { toJson } from "../../tenon.js";
import { bundleAt } from "../bundle.js";

/** How many lost transactions are printed; all are in the JSON. */
const SHOWN = 20;

interface RecoverArguments {
  dir: string | undefined;
  wait: string | undefined;
  json: boolean;
}

export default async ({ dir, wait, json }: RecoverArguments): Promise<void> =>
  answering(async () => {
    const patience = 1_000 * (wholeNumber("wait", wait) ?? 120);
    const recovery = await recover(bundleAt(dir), (line) => json || console.log(line), patience);
    console.log(json ? toJson(recovery) : poolText(recovery));
  });

function poolText({ pool }: Recovery): string {
  if (pool === null) {
    return "No node could be asked what waited: whoever sent a transaction and has no receipt sends the same bytes again.";
  }
  const { before, mined, waiting, lost } = pool;
  const outcome = `Of ${before} transactions that waited, ${mined} are mined, ${waiting} still wait and ${lost.length} are lost`;
  if (lost.length === 0) return `${outcome}.`;
  const lines = lost.slice(0, SHOWN).map(({ sender, nonce, hash }) => `  ${sender} nonce ${nonce}  ${hash}`);
  const more = lost.length > SHOWN ? [`  and ${lost.length - SHOWN} more: --json lists all`] : [];
  return [`${outcome}; their senders send the same bytes again:`, ...lines, ...more].join("\n");
}
