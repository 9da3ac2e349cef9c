import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ContractFactory, type ContractTransactionReceipt, Interface, type Wallet } from "ethers";
import solc from "solc";

/** Nothing but OpenZeppelin's ERC-20, minted to the senders: what everybody's chain is measured with. */
const SOURCE = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract BenchToken is ERC20("Bench", "BENCH") {
  constructor(address[] memory holders) { for (uint256 i; i < holders.length; ++i) _mint(holders[i], 1e18); }
}`;

export const erc20 = new Interface(["function transfer(address to, uint256 value) returns (bool)"]);

/** Compiles with the product's settings and deploys. Returns the address. */
export async function deployToken(from: Wallet, holders: string[]): Promise<string> {
  const input = {
    language: "Solidity",
    sources: { "BenchToken.sol": { content: SOURCE } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: "osaka",
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const find = (path: string) => ({
    contents: readFileSync(fileURLToPath(import.meta.resolve(path)), "utf8"),
  });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  const { abi, evm } = output.contracts["BenchToken.sol"].BenchToken;
  const token = await new ContractFactory(abi, evm.bytecode.object, from).deploy(holders, {
    type: 2,
    maxFeePerGas: 0n,
    maxPriorityFeePerGas: 0n,
  });
  const receipt = (await token.deploymentTransaction()!.wait()) as ContractTransactionReceipt;
  return receipt.contractAddress!;
}
