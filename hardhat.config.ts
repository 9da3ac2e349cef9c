import { fileURLToPath } from "node:url";
import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import hardhatViem from "@nomicfoundation/hardhat-viem";
import { configVariable, defineConfig } from "hardhat/config";
import { besuPlugin } from "./tasks/besu/plugin.js";
import { tasks } from "./tasks/index.js";

/**
 * One compiler setting for every build: an immutable contract must have the same bytecode wherever it is built.
 * `evmVersion` is the fork the network starts with (Osaka: P-256 verification is a precompile); the deploy task
 * compares it with the chain before it sends anything.
 */
const solc = {
  version: "0.8.37",
  path: fileURLToPath(import.meta.resolve("solc/soljson.js")),
  settings: { optimizer: { enabled: true, runs: 200 }, viaIR: false, evmVersion: "osaka" },
  isolated: false,
  toolVersionsInBuildInfo: true,
};

export default defineConfig({
  plugins: [besuPlugin, hardhatToolboxMochaEthers, hardhatViem],
  tasks,
  solidity: {
    profiles: { default: solc, production: solc },
    splitTestsCompilation: true,
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
  },
  paths: { tests: { mocha: "./test", solidity: "./test/solidity" } },
  typechain: { outDir: "./sdk/src/generated/typechain" },
  networks: {
    // The rules of the product's chain (Osaka, zero gas price, 2^24 gas per transaction) in the test process.
    default: {
      type: "edr-simulated",
      chainType: "l1",
      chainId: 31337,
      hardfork: "osaka",
      initialBaseFeePerGas: 0n,
      gasPrice: 0n,
      blockGasLimit: 300_000_000n,
      accounts: { accountsBalance: "0" },
    },
    // The chain that `npm start` and `npx hardhat chain` run as a process of its own.
    local: {
      type: "http",
      chainType: "l1",
      chainId: 31337,
      url: process.env.TENON_LOCAL_RPC ?? "http://127.0.0.1:8545",
      gasPrice: 0n,
      accounts: "remote",
    },
    // A Besu network: TENON_BESU_RPC (addresses of its nodes), TENON_BESU_JWT_KEY (key file for their tokens) and
    // TENON_BESU_KEY (who sends). tasks/besu makes the connection; the address here is only what Hardhat asks for.
    besu: {
      type: "http",
      chainType: "l1",
      url: "http://127.0.0.1:8545",
      gasPrice: 0n,
      accounts: [configVariable("TENON_BESU_KEY")],
    },
  },
  test: {
    mocha: { timeout: 60_000 },
    solidity: { fuzz: { runs: 500 }, invariant: { runs: 32, depth: 100, failOnRevert: true } },
  },
});
