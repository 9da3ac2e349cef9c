import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import hre from "hardhat";

/** Deploys a contract that only tests have, from `test/solidity/<file>`; it has the name of its file. */
export async function deployTestContract(ethers: HardhatEthers, file: string) {
  const source = join("test", "solidity", file);
  await hre.solidity.build([resolve(source)], { scope: "tests", quiet: true });
  const folder = await hre.solidity.getArtifactsDirectory("tests");
  const name = basename(file, ".sol");
  const { abi, bytecode } = JSON.parse(readFileSync(join(folder, source, `${name}.json`), "utf8"));
  const [deployer] = await ethers.getSigners();
  return new ethers.ContractFactory(abi, bytecode, deployer).deploy();
}
