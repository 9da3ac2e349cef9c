import { TRANSACTION_GAS } from "./genesis.js";
import { type Fields, type Finding, type GenesisFile, report, wholeNumber } from "./view.js";

const known = [
  "blockperiodseconds",
  "emptyblockperiodseconds",
  "requesttimeoutseconds",
  "epochlength",
  "pertxgaslimit",
  "validatorcontractaddress",
  "miningbeneficiary",
  "blockreward",
  "startblock",
  "messagequeuelimit",
  "duplicatemessagelimit",
  "futuremessageslimit",
  "futuremessagesmaxdistance",
  "gossipedhistorylimit",
];

/** Names that look right and are not; the words say why. */
const misnamed: Record<string, string> = {
  xemptyblockperiodseconds:
    "This old name is silently ignored, and empty blocks come at full pace: write emptyblockperiodseconds.",
  xblockperiodmilliseconds:
    "It is for Besu's own tests: below a second it drops the rule that a block is newer than its parent. Leave it out.",
  blockperiodmilliseconds: "There is no such setting; a second is the least. Write blockperiodseconds.",
};

/** What `config.qbft` says: pace, timeouts, votes, gas of a transaction. */
export function consensusRules({ file, qbft }: GenesisFile): Finding[] {
  return [
    ...paceRules(qbft, "config.qbft", periods(qbft)),
    ...names(qbft),
    ...governance(qbft),
    ...transactionGas(qbft, file, "config.qbft", true),
  ];
}

/** Seconds that hold at a place of the file; what is left out has Besu's default. */
export interface Periods {
  block: number;
  /** 0 is off. */
  empty: number;
  timeout: number;
}

export function periods(qbft: Fields): Periods {
  return {
    block: wholeNumber(qbft.blockperiodseconds ?? 1) ?? 1,
    empty: wholeNumber(qbft.emptyblockperiodseconds ?? 0) ?? 0,
    timeout: wholeNumber(qbft.requesttimeoutseconds ?? 1) ?? 1,
  };
}

/** Rules on block period, empty-block period and timeout, for the genesis and for what a transition leaves of it. */
export function paceRules(given: Fields, at: string, { block, empty, timeout }: Periods): Finding[] {
  const { findings, error, warning } = report();
  for (const key of ["blockperiodseconds", "requesttimeoutseconds"]) {
    if (key in given && (wholeNumber(given[key]) ?? 0) === 0) {
      error(
        "period",
        `${at}.${key}`,
        "It must be a whole number of seconds, 1 or more: the node does not start.",
      );
    }
  }
  if (timeout < 2 * block) {
    error(
      "request-timeout",
      `${at}.requesttimeoutseconds`,
      `The timeout of ${timeout} s is less than twice the block period of ${block} s: a slow selection of ` +
        "transactions outlasts it, validators lock on different proposals and the chain stops. " +
        `Write ${2 * block}${"requesttimeoutseconds" in given ? "" : "; left out it is 1"}.`,
    );
  } else if (timeout > 10 * block) {
    warning(
      "request-timeout",
      `${at}.requesttimeoutseconds`,
      `The timeout of ${timeout} s is what every block of a dead validator costs; twice the block period is enough.`,
    );
  }
  if (empty > 0 && empty <= block) {
    error(
      "empty-period",
      `${at}.emptyblockperiodseconds`,
      `It must be longer than the block period of ${block} s, or be left out.`,
    );
  } else if (empty > 0) {
    warning(
      "empty-period",
      `${at}.emptyblockperiodseconds`,
      `Idle, a block comes every ${empty} s, which saves disk; but Besu has a known fault: when a round changes in ` +
        "that time, new transactions wait until it is over. Up to a minute it is bearable; half an hour froze a network.",
    );
  }
  return findings;
}

function names(qbft: Fields): Finding[] {
  const { findings, error, warning } = report();
  for (const key of Object.keys(qbft).filter((name) => !known.includes(name))) {
    const words = misnamed[key];
    if (words === undefined) warning("unknown", `config.qbft.${key}`, "Besu knows no such setting: ignored.");
    else error("misnamed", `config.qbft.${key}`, words);
  }
  return findings;
}

/** The names that look right and are not, wherever they stand. */
export function misnamedIn(fields: Fields, at: string): Finding[] {
  const { findings, error } = report();
  for (const [key, words] of Object.entries(misnamed))
    if (key in fields) error("misnamed", `${at}.${key}`, words);
  return findings;
}

function governance(qbft: Fields): Finding[] {
  const { findings, error, warning } = report();
  if ("epochlength" in qbft && (wholeNumber(qbft.epochlength) ?? 0) === 0) {
    error("epoch", "config.qbft.epochlength", "It must be a whole number of blocks; 30000 is usual.");
  } else if ((wholeNumber(qbft.epochlength) ?? 30_000) < 1_000) {
    warning(
      "epoch",
      "config.qbft.epochlength",
      "Votes are dropped at each epoch, before people agree. 30000 is usual.",
    );
  }
  if ("validatorcontractaddress" in qbft) {
    warning(
      "validator-contract",
      "config.qbft.validatorcontractaddress",
      "A contract names the validators: votes over RPC, and the tasks that cast them, do nothing on this network.",
    );
  }
  if ("blockreward" in qbft && Number(qbft.blockreward) !== 0) {
    warning(
      "block-reward",
      "config.qbft.blockreward",
      "It makes money out of nothing on a chain where gas is free.",
    );
  }
  return findings;
}

/** The cap on a transaction's gas, in the genesis or in a transition. */
export function transactionGas(given: Fields, file: Fields, at: string, stated: boolean): Finding[] {
  const { findings, error, warning } = report();
  const place = `${at}.pertxgaslimit`;
  const cap = wholeNumber(given.pertxgaslimit);
  const blockGas = wholeNumber(file.gaslimit) ?? Number.POSITIVE_INFINITY;
  if (!("pertxgaslimit" in given)) {
    if (stated) {
      warning(
        "transaction-gas",
        place,
        `It is left out, so the fork decides. State it: ${TRANSACTION_GAS} is 2^24.`,
      );
    }
  } else if (cap === undefined) {
    error("transaction-gas", place, "It must be a whole number, 0 for no cap: the node does not start.");
  } else if (cap === 0) {
    warning("transaction-gas", place, "There is no cap: one transaction may take a whole block.");
  } else if (cap > blockGas) {
    error(
      "transaction-gas",
      place,
      `${cap} is above the block's gas limit of ${blockGas}: the node does not start.`,
    );
  } else if (cap < TRANSACTION_GAS) {
    warning(
      "transaction-gas",
      place,
      `Below ${TRANSACTION_GAS} (2^24) some of this product's deployments do not fit.`,
    );
  }
  return findings;
}
