import { loadStateDir } from "../config.js";
import { withPlaces } from "../proofs/open.js";
import type { FactRow } from "../proofs/places.js";
import {
  type Command,
  overridesOf,
  settingOptions,
  settingsHelp,
  shownTime,
  wholeOption,
} from "./command.js";

/** Lists what is missing from devices' sequences. */
export const gaps: Command = {
  summary: "lists frames that devices numbered and the oracle never got",
  help: `Lists the open gaps in devices' sequences: frames a device made (a later one names them) that have not arrived.

  npm run oracle -- gaps --state DIR

${settingsHelp("state")}
  --all                also lists gaps that were filled, forks and equivocations
  --limit N            at most N lines, the newest (default 100)`,
  options: { ...settingOptions("state"), all: { type: "boolean" }, limit: { type: "string" } },
  async run(values, file) {
    const state = loadStateDir(file, process.env, overridesOf(values));
    const limit = wholeOption(values, "limit") ?? 100;
    const all = values.all === true;
    withPlaces(state, (places) => {
      const facts = places.facts(all ? { limit } : { kind: "gap", open: true, limit });
      for (const fact of facts) console.log(lineOf(fact));
      const { gaps: open, forks, equivocations } = places.factCounts();
      console.log(`${open} gaps open, ${forks} forks, ${equivocations} equivocations`);
    });
    return 0;
  },
};

function lineOf({
  kind,
  device,
  epoch,
  seq,
  seqTo,
  missing,
  logIndex,
  otherIndex,
  at,
  closedAt,
}: FactRow): string {
  const where = `${shownTime(at)}  ${kind.padEnd(12)}  ${device}  epoch ${epoch}`;
  if (kind !== "gap") return `${where}  seq ${seq}  frames ${otherIndex} and ${logIndex}`;
  const state = closedAt === null ? `${missing} missing` : `filled ${shownTime(closedAt)}`;
  return `${where}  seq ${seq === seqTo ? seq : `${seq}–${seqTo}`}  ${state}`;
}
