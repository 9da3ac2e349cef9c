import { TenonError } from "../../sdk/src/errors.js";
import { decodeExtraData, type ExtraData } from "./extra-data.js";
import { QBFT_MIX_HASH, TRANSACTION_GAS } from "./genesis.js";
import { type Finding, type GenesisFile, report, wholeNumber } from "./view.js";

/** The most gas that machines were seen to carry in a block with room to spare. */
const MUCH_GAS = 300_000_000;
const MOST_GAS = 0x1fffffffffffff;

/** What block 0 says: gas limit, time, the constants of QBFT, the first validators. */
export function headerRules(genesis: GenesisFile): Finding[] {
  return [...gasLimit(genesis), ...constants(genesis), ...extraData(genesis)];
}

function gasLimit({ file }: GenesisFile): Finding[] {
  const { findings, error, warning } = report();
  const gas = wholeNumber(file.gaslimit);
  if (gas === undefined || gas > MOST_GAS) {
    error(
      "gas-limit",
      "gasLimit",
      `It must be a number up to 0x${MOST_GAS.toString(16)}, such as "0x3938700".`,
    );
  } else if (gas < TRANSACTION_GAS) {
    error("gas-limit", "gasLimit", `${gas} is less than one transaction may use (${TRANSACTION_GAS}).`);
  } else if (gas > MUCH_GAS) {
    warning(
      "gas-limit",
      "gasLimit",
      `A block of ${gas} gas takes longer to execute than rounds wait: under load the chain slows down or stops. ` +
        "60 million is about 1,700 token transfers.",
    );
  }
  return findings;
}

function constants({ file, now }: GenesisFile): Finding[] {
  const { findings, error } = report();
  if (String(file.mixhash).toLowerCase() !== QBFT_MIX_HASH) {
    error("mix-hash", "mixHash", `Every header of QBFT has one value here: write ${QBFT_MIX_HASH}.`);
  }
  if (wholeNumber(file.difficulty) !== 1)
    error("difficulty", "difficulty", 'It is always 1 in QBFT: write "0x1".');
  const time = wholeNumber(file.timestamp ?? 0);
  if (time === undefined) {
    error("timestamp", "timestamp", "It must be seconds since 1970, or be left out.");
  } else if (time > now + 60) {
    const unit = time > 100_000_000_000 ? " It looks like milliseconds: write seconds." : "";
    error("timestamp", "timestamp", `Block 0 is in the future: no block is made before that time.${unit}`);
  }
  return findings;
}

function extraData({ file, qbft }: GenesisFile): Finding[] {
  const { findings, error, warning } = report();
  const at = "extraData";
  let data: ExtraData;
  try {
    data = decodeExtraData(String(file.extradata ?? ""));
  } catch (cause) {
    if (!(cause instanceof TenonError)) throw cause;
    error("extra-data", at, `It is not that of a QBFT genesis: ${cause.args.reason}.`);
    return findings;
  }
  if (data.vote !== null || data.round !== 0 || data.seals.length > 0) {
    error("extra-data", at, "Block 0 has no vote, round 0 and no seals: nobody voted and nobody signed.");
  }
  const { validators } = data;
  if ("validatorcontractaddress" in qbft) {
    if (validators.length > 0)
      error("validators", at, "A contract names the validators: the list must be empty.");
    return findings;
  }
  if (validators.length === 0) {
    error("validators", at, "It names no validators: nobody may make a block.");
  } else if (new Set(validators).size < validators.length) {
    error("validators", at, "A validator is named twice: it would be counted as two.");
  } else if (validators.some((one, index) => index > 0 && one < validators[index - 1]!)) {
    warning(
      "validators",
      at,
      "The validators are not in ascending order, which Besu writes in every later block.",
    );
  }
  if (validators.length === 3) {
    warning(
      "validators",
      at,
      "Three of them outlive one that stops, but not one that lies; four outlive both.",
    );
  } else if (validators.length === 1 || validators.length === 2) {
    warning("validators", at, "The chain stops when one of them does; four outlive one.");
  }
  return findings;
}
