import type { Manifest } from "../../../besu-network/bundle/manifest.js";
import type { Hex } from "../../../sdk/src/bytes.js";

const node = (index: number, organisation: string): Manifest["nodes"][number] => ({
  name: `validator${index}`,
  role: "validator",
  organisation,
  publicKey: `0x${"11".repeat(64)}`,
  address: `0x${String(index).repeat(40)}` as Hex,
  host: `10.0.0.${index}`,
  ports: { p2p: 30_300 + index, metrics: 9_545 + index, http: null, ws: null, https: null },
});

/** Four validators of two organisations, on paper. */
export const paperManifest = {
  version: 1,
  chainId: 4711,
  genesisHash: `0x${"ab".repeat(32)}`,
  blockPeriodSeconds: 1,
  requestTimeoutSeconds: 2,
  storage: "FOREST",
  besu: "26.9.0",
  mode: "local",
  subnet: null,
  organisation: "maker",
  nodes: [node(1, "maker"), node(2, "maker"), node(3, "bank"), node(4, "bank")],
  accounts: null,
} as const satisfies Manifest;
