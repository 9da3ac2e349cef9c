import { chainRules } from "./rules-chain.js";
import { consensusRules } from "./rules-consensus.js";
import { headerRules } from "./rules-header.js";
import { transitionRules } from "./rules-transitions.js";
import { type Finding, type GenesisFile, isFields, lowered, report } from "./view.js";

export type { Finding } from "./view.js";

/**
 * Says what is wrong with a genesis, in words; an empty list means that nothing is. An `error` keeps the chain from
 * starting, from going on or from being this product's chain; a `warning` is a choice somebody should have made on
 * purpose. `now` is in seconds since 1970.
 *
 * Keys are compared as Besu does, in any case of letters. What a network of this project is started with comes from
 * `genesisOf` and passes; the rules are for files that were written or changed by hand.
 */
export function checkGenesis(text: string, now = Math.floor(Date.now() / 1000)): Finding[] {
  const { findings, error } = report();
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    error("json", "file", `It is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
    return findings;
  }
  const file = lowered(given);
  if (!isFields(file) || !isFields(file.config)) {
    error("config", "config", "It has no config: this is not a genesis file.");
    return findings;
  }
  const { config } = file;
  if (!isFields(config.qbft)) {
    error(
      "qbft",
      "config.qbft",
      `It is not a QBFT genesis${otherConsensus(config)}; this project runs QBFT.`,
    );
    return findings;
  }
  const genesis: GenesisFile = { file, config, qbft: config.qbft, now };
  return [chainRules, consensusRules, headerRules, transitionRules].flatMap((rules) => rules(genesis));
}

function otherConsensus(config: Record<string, unknown>): string {
  const gone: Record<string, string> = {
    clique: "Clique, which Besu has dropped",
    ethash: "proof of work, which Besu no longer mines",
    ibft: "IBFT 1, which Besu cannot run",
    ibft2: "IBFT 2.0, its predecessor",
  };
  const found = Object.keys(gone).find((key) => key in config);
  return found === undefined ? "" : `: it is for ${gone[found]}`;
}
