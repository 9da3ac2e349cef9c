import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { AbiCoder, id, keccak256 } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import type { AnchorLog } from "../../sdk/src/generated/typechain/index.js";
import { admit, grant, Role } from "./consortium.js";
import { deployRegistry } from "./devices.js";

export const EPOCH = 1024;

/** In the past, which an anchor may be, and fixed, because a zero byte in calldata costs less gas than another. */
export const PAST = 1_633_837_924n;

/** What `AnchorLog.anchor` takes. */
export interface TestAnchor {
  batch: number;
  first: bigint;
  count: number;
  minTime: bigint;
  maxTime: bigint;
  framesRoot: string;
  headsRoot: string;
  rejectsRoot: string;
}

/** A consortium with registry, anchor log and frame reader, and one stream whose key belongs to an oracle operator. */
export async function deployTelemetry(ethers: HardhatEthers) {
  const base = await deployRegistry(ethers);
  const { manager, consortium, registry, registrar, others } = base;
  const authority = await manager.getAddress();
  const log = await ethers.deployContract("AnchorLog", [await consortium.getAddress(), authority]);
  const reader = await ethers.deployContract("FrameReader", [
    await log.getAddress(),
    await registry.getAddress(),
  ]);
  const selectors = (["openStream", "setKey"] as const).map(
    (name) => log.interface.getFunction(name).selector,
  );
  await manager.setTargetFunctionRole(await log.getAddress(), selectors, 1n);
  await consortium.connect(base.admin).setRoleListener(Role.Anchor, await log.getAddress());

  const [oracle, spare] = others.slice(4);
  const oracleOrg = await admit(base, "oracle", oracle!, spare!);
  const term = await grant(base, oracle!, Role.Anchor);
  await log.connect(registrar).openStream(oracle!.address);
  return { ...base, log, reader, oracle: oracle!, spare: spare!, oracleOrg, term, stream: 1n };
}

export type Telemetry = Awaited<ReturnType<typeof deployTelemetry>>;

/** The anchor that the stream accepts next, with roots made from its number unless others are given. */
export async function nextAnchor(
  { log, stream }: { log: AnchorLog; stream: bigint },
  given: Partial<TestAnchor> = {},
): Promise<TestAnchor> {
  const { next, size } = await log.head(stream);
  const block = await log.runner!.provider!.getBlock("latest");
  return makeAnchor(Number(next), size, BigInt(block!.timestamp), given);
}

export function makeAnchor(
  batch: number,
  first: bigint,
  time: bigint,
  given: Partial<TestAnchor> = {},
): TestAnchor {
  const root = (name: string) => id(`${name} ${batch}`);
  const roots = { framesRoot: root("frames"), headsRoot: root("heads"), rejectsRoot: root("rejects") };
  return { batch, first, count: 5, minTime: time - 1n, maxTime: time, ...roots, ...given };
}

/** Anchors with the stream's key. */
export async function anchor(
  world: { log: AnchorLog; stream: bigint; oracle: HardhatEthersSigner },
  given: Partial<TestAnchor> = {},
): Promise<TestAnchor> {
  const a = await nextAnchor(world, given);
  await (await world.log.connect(world.oracle).anchor(world.stream, a)).wait();
  return a;
}

/** What the ring keeps, computed apart from the contract. */
export function commitmentOf(stream: bigint, a: TestAnchor): Hex {
  const types = ["uint32", "uint32", "uint40", "uint32", "uint40", "uint40", "bytes32", "bytes32", "bytes32"];
  const { batch, first, count, minTime, maxTime, framesRoot, headsRoot, rejectsRoot } = a;
  const values = [stream, batch, first, count, minTime, maxTime, framesRoot, headsRoot, rejectsRoot];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values)) as Hex;
}
