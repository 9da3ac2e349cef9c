import { misnamedIn, paceRules, periods, transactionGas } from "./rules-consensus.js";
import { type Fields, type Finding, type GenesisFile, isFields, report, wholeNumber } from "./view.js";

/** Below it a number is a block's, above it a time's: 2001 in seconds, more blocks than a chain makes. */
const FIRST_TIME = 1_000_000_000;
const FIRST_MILLISECONDS = 100_000_000_000;

const known = [
  "block",
  "blockperiodseconds",
  "emptyblockperiodseconds",
  "blockreward",
  "miningbeneficiary",
  "validators",
  "validatorselectionmode",
  "validatorcontractaddress",
  "pertxgaslimit",
];

/** Later changes of the settings. Their `block` is a time on a chain with forks by time, whatever its name says. */
export function transitionRules(genesis: GenesisFile): Finding[] {
  const { findings, error, warning } = report();
  const { transitions } = genesis.config;
  if (transitions === undefined) return findings;
  const entries = isFields(transitions) ? (transitions.qbft ?? []) : undefined;
  if (!Array.isArray(entries)) {
    error("transition", "config.transitions", "It must be an object with a list qbft.");
    return findings;
  }
  let settings = genesis.qbft;
  let before = -1;
  entries.forEach((entry: unknown, index) => {
    const at = `config.transitions.qbft[${index}]`;
    if (!isFields(entry)) {
      error("transition", at, "It must be an object with a block and what changes there.");
      return;
    }
    const time = wholeNumber(entry.block);
    findings.push(...timeRules(time, `${at}.block`, genesis));
    if (time !== undefined && time <= before) {
      error(
        "transition-order",
        `${at}.block`,
        "Transitions must be in the order of their times, no two at one.",
      );
    }
    before = time ?? before;
    const { requesttimeoutseconds: _ignored, ...changed } = entry;
    settings = { ...settings, ...changed };
    findings.push(...changeRules(entry, settings, at, genesis.file));
    if ("validators" in entry) {
      warning(
        "transition-validators",
        `${at}.validators`,
        "It overrides the validators' votes; vote instead.",
      );
    }
  });
  return findings;
}

function timeRules(time: number | undefined, at: string, { file, now }: GenesisFile): Finding[] {
  const { findings, error, warning } = report();
  if (time === undefined) {
    error("transition-time", at, "It must be a whole number: seconds since 1970.");
  } else if (time < FIRST_TIME) {
    error(
      "transition-time",
      at,
      `${time} looks like a block number, but on a chain with forks by time Besu reads seconds since 1970: it would ` +
        "hold from block 1. Write the second at which it shall hold.",
    );
  } else if (time > FIRST_MILLISECONDS) {
    error("transition-time", at, `${time} looks like milliseconds: write seconds since 1970.`);
  } else if (time <= (wholeNumber(file.timestamp ?? 0) ?? 0)) {
    error("transition-time", at, "It is not after block 0: write the settings into config.qbft.");
  } else if (time <= now) {
    warning(
      "transition-past",
      at,
      "It is in the past. Where every node had it before that time it is history and must stay; placed now it makes " +
        "nodes refuse blocks they already have.",
    );
  }
  return findings;
}

function changeRules(entry: Fields, settings: Fields, at: string, file: Fields): Finding[] {
  const { findings, error, warning } = report();
  findings.push(...misnamedIn(entry, at));
  if ("requesttimeoutseconds" in entry) {
    error(
      "transition-timeout",
      `${at}.requesttimeoutseconds`,
      "A transition cannot change the timeout, it is ignored: the one in config.qbft must suit every period.",
    );
  }
  const others = [...known, "requesttimeoutseconds", "xemptyblockperiodseconds"];
  for (const key of Object.keys(entry).filter(
    (name) => !others.includes(name) && !name.includes("milliseconds"),
  )) {
    warning("unknown", `${at}.${key}`, "Besu knows no such setting: ignored.");
  }
  if ("blockperiodseconds" in entry || "emptyblockperiodseconds" in entry) {
    findings.push(...paceRules(entry, at, periods(settings)));
  }
  findings.push(...transactionGas(entry, file, at, false));
  return findings;
}
