import type { HardhatPlugin } from "hardhat/types/plugins";

/**
 * Network `besu`: requests go through the SDK's connection, to all the nodes of TENON_BESU_RPC (addresses with commas
 * between them), with tokens signed by the key in TENON_BESU_JWT_KEY (path of a PEM file) where the nodes ask for them.
 */
export const besuPlugin: HardhatPlugin = {
  id: "tenon:besu",
  hookHandlers: { network: () => import("./hooks.js") },
};
