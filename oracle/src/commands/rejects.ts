import { toHex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { loadStateDir } from "../config.js";
import { SegmentLog } from "../log/log.js";
import { logDir } from "../paths.js";
import { withPlaces } from "../proofs/open.js";
import {
  type Command,
  overridesOf,
  settingOptions,
  settingsHelp,
  shownTime,
  type Values,
  wholeOption,
} from "./command.js";

/** Lists what was refused. */
export const rejects: Command = {
  summary: "lists what was refused, with the reason",
  help: `Lists messages the oracle refused. They are kept and hashed into every anchor, so that a refusal cannot be denied.

  npm run oracle -- rejects --state DIR
  npm run oracle -- rejects --state DIR --show 17

${settingsHelp("state")}
  --reason TEXT        only those whose reason begins so: bad-signature, malformed, unknown-device, …
  --source TEXT        only those of this device (without 0x) or topic
  --limit N            at most N lines, the newest (default 100)
  --show N             shows reject N with its raw bytes`,
  options: {
    ...settingOptions("state"),
    reason: { type: "string" },
    source: { type: "string" },
    limit: { type: "string" },
    show: { type: "string" },
  },
  async run(values, file) {
    const state = loadStateDir(file, process.env, overridesOf(values));
    const number = wholeOption(values, "show");
    if (number !== undefined) await show(state, number);
    else list(state, values);
    return 0;
  },
};

function list(state: string, values: Values): void {
  const { reason, source } = values as { reason?: string; source?: string };
  const filter = { reason, source, limit: wholeOption(values, "limit") ?? 100 };
  withPlaces(state, (places) => {
    const { rows, total } = places.rejects(filter);
    for (const { index, receivedAt, reason: why, source: who, rawLength } of rows) {
      console.log(
        `${String(index).padStart(8)}  ${shownTime(receivedAt)}  ${why.padEnd(28)}  ${rawLength} bytes  ${printable(who)}`,
      );
    }
    console.log(`${rows.length} of ${total} rejects (those of the open batch appear when it closes)`);
  });
}

/** A topic is whatever a client sent: nothing in it may steer the terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

async function show(state: string, index: number): Promise<void> {
  const log = await SegmentLog.open(logDir(state), { readOnly: true });
  try {
    const [record] = log.rejects(index, 1);
    if (record === undefined) {
      throw new TenonError("RejectUnknown", "The log has no reject of that number", {
        args: { reject: index, rejects: log.nextReject },
        remedy: "`rejects` lists them.",
      });
    }
    const { reason, source, receivedAt, rawLength, rawHash, raw } = record;
    const lines = {
      reject: index,
      reason,
      source: printable(source),
      received: shownTime(receivedAt),
      bytes: rawLength,
      "SHA-256": toHex(rawHash),
      raw: raw.length > 0 ? toHex(raw) : "not kept: the source had used up its share of the log",
    };
    for (const [name, value] of Object.entries(lines)) console.log(`${name.padEnd(9)} ${value}`);
  } finally {
    await log.close();
  }
}
