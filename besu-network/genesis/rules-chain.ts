import { type Finding, type GenesisFile, report, wholeNumber } from "./view.js";

const forks = [
  "homesteadblock",
  "eip150block",
  "eip158block",
  "byzantiumblock",
  "constantinopleblock",
  "petersburgblock",
  "istanbulblock",
  "muirglacierblock",
  "berlinblock",
  "londonblock",
  "arrowglacierblock",
  "grayglacierblock",
  "shanghaitime",
  "cancuntime",
  "praguetime",
];

/** Forks that Besu has but no QBFT network was ever tried on. */
const untried = ["amsterdamtime", "futureeipstime", "experimentaleipstime"];

const systemContracts = [
  "depositcontractaddress",
  "withdrawalrequestcontractaddress",
  "consolidationrequestcontractaddress",
  "builderdepositrequestcontractaddress",
  "builderexitrequestcontractaddress",
];

/** Which chain it is, which fork it has, what gas costs. */
export function chainRules(genesis: GenesisFile): Finding[] {
  return [...chainId(genesis), ...forkRules(genesis), ...freeGas(genesis), ...limits(genesis)];
}

function chainId({ config }: GenesisFile): Finding[] {
  const { findings, error } = report();
  const id = wholeNumber(config.chainid);
  const at = "config.chainId";
  if (id === undefined || id === 0) {
    error("chain-id", at, "There is no chain id: transactions could be replayed on any other chain.");
  } else if ([1, 17_000, 560_048, 11_155_111].includes(id)) {
    error(
      "chain-id",
      at,
      `${id} is a public chain's: what is signed here would hold there. Draw a fresh one.`,
    );
  } else if ([1337, 31_337].includes(id)) {
    error(
      "chain-id",
      at,
      `${id} is what test tools use: what a test signs would hold here. Draw a fresh one.`,
    );
  }
  return findings;
}

function forkRules({ config }: GenesisFile): Finding[] {
  const { findings, error } = report();
  if (!("osakatime" in config)) {
    error(
      "osaka",
      "config.osakaTime",
      "Osaka is missing, and with it the precompile that checks devices' P-256 signatures. Write 0.",
    );
  } else if (wholeNumber(config.osakatime) !== 0) {
    error("osaka", "config.osakaTime", "Osaka must be there from the first block: write 0.");
  }
  for (const fork of forks.filter((key) => key in config && wholeNumber(config[key]) !== 0)) {
    error("fork-order", `config.${fork}`, "It comes before Osaka, which is at 0: write 0 or leave it out.");
  }
  for (const fork of untried.filter((key) => key in config)) {
    error("fork-untried", `config.${fork}`, "Besu has this fork but nobody tried QBFT on it: leave it out.");
  }
  if ("terminaltotaldifficulty" in config) {
    error(
      "proof-of-stake",
      "config.terminalTotalDifficulty",
      "With it Besu waits for a proof-of-stake client: leave it out.",
    );
  }
  for (const contract of systemContracts.filter((key) => key in config)) {
    error(
      "system-contract",
      `config.${contract}`,
      "It belongs to proof of stake; QBFT has no use for it, and Besu would look for the contract in every block. " +
        "Leave it out.",
    );
  }
  return findings;
}

function freeGas({ file, config }: GenesisFile): Finding[] {
  const { findings, error, warning } = report();
  if (config.zerobasefee !== true) {
    error(
      "zero-base-fee",
      "config.zeroBaseFee",
      "It is not true: the base fee rises with every full block, and accounts without money can send nothing.",
    );
  }
  if (config.fixedbasefee === true) {
    error(
      "fixed-base-fee",
      "config.fixedBaseFee",
      "It makes each node's own min-gas-price the base fee: leave it out, zeroBaseFee is the rule.",
    );
  }
  if ((wholeNumber(file.basefeepergas) ?? 1) !== 0) {
    const given =
      file.basefeepergas === undefined ? "It is left out, so Besu writes 1 gwei" : "It puts a price";
    warning("base-fee", "baseFeePerGas", `${given} into block 0 of a chain that has none: write "0x0".`);
  }
  return findings;
}

function limits({ config }: GenesisFile): Finding[] {
  const { findings, error, warning } = report();
  const size = wholeNumber(config.contractsizelimit);
  if (size !== undefined && size !== 24_576) {
    warning(
      "contract-size",
      "config.contractSizeLimit",
      "It changes the limit of deployed code only: code that creates a contract stays limited to 49,152 bytes, so a " +
        "contract of more than that is refused (-32603 Internal error) however large this is. Nothing here needs it.",
    );
  }
  if ("evmstacksize" in config) {
    warning("stack-size", "config.evmStackSize", "Contracts are compiled for 1,024: leave it out.");
  }
  if ("eccurve" in config && config.eccurve !== "secp256k1") {
    error("curve", "config.ecCurve", "Accounts and nodes here sign with secp256k1: leave it out.");
  }
  return findings;
}
