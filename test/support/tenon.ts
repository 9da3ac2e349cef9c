import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { Hex } from "../../sdk/src/bytes.js";
import type { Deployment } from "../../sdk/src/deployment.js";
import { admit, grant, Role } from "./consortium.js";
import { deployRegistry } from "./devices.js";

/** Every contract the SDK talks to, one open stream, and the record that describes them. */
export async function deployTenon(ethers: HardhatEthers) {
  const base = await deployRegistry(ethers);
  const { manager, consortium, registry, admin } = base;
  const consortiumAddress = await consortium.getAddress();
  const anchorLog = await ethers.deployContract("AnchorLog", [consortiumAddress, await manager.getAddress()]);
  const reader = await ethers.deployContract("FrameReader", [
    await anchorLog.getAddress(),
    await registry.getAddress(),
  ]);
  await consortium.connect(admin).setRoleListener(Role.Anchor, await anchorLog.getAddress());
  const oracle = base.others[4]!;
  await admit(base, "oracle", oracle);
  await grant(base, oracle, Role.Anchor);
  await anchorLog.connect(admin).openStream(oracle.address);

  const genesis = await ethers.provider.getBlock(0);
  const contract = async (deployed: { getAddress(): Promise<string> }) => ({
    address: await deployed.getAddress(),
    block: 0,
  });
  const deployment: Deployment = {
    version: 1,
    chainId: 31337,
    genesisHash: genesis!.hash as Hex,
    deployedAtBlock: 0,
    contracts: {
      AccessManager: await contract(manager),
      Consortium: await contract(consortium),
      DeviceRegistry: await contract(registry),
      AnchorLog: await contract(anchorLog),
      FrameReader: await contract(reader),
    },
  };
  return { ...base, anchorLog, reader, oracle, stream: 1, deployment };
}

export type TenonWorld = Awaited<ReturnType<typeof deployTenon>>;
