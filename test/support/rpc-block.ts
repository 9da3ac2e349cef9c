import type { Hex } from "../../sdk/src/bytes.js";
import { headerFields } from "../../sdk/src/proof/header.js";
import { readQbftHeader } from "../../sdk/src/proof/qbft.js";
import { strictRlp } from "../../sdk/src/proof/rlp.js";

/** A QBFT block as JSON-RPC gives it, from its header's RLP. */
export function rpcBlock(header: Hex): Record<string, unknown> {
  const items = strictRlp("seals", header) as string[];
  const fields = headerFields.slice(0, items.length).map(([name, kind], i) => {
    const item = items[i]!;
    return [name, kind === "number" && item === "0x" ? "0x0" : item];
  });
  return { ...Object.fromEntries(fields), hash: readQbftHeader(header).hash };
}
