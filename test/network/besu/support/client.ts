import { join } from "node:path";
import { type Bundle, layout } from "../../../../besu-network/bundle/manifest.js";
import { connectRpc, type RpcConnection } from "../../../../sdk/src/connection.js";
import { refusal } from "../../../support/refusal.js";

/** A client of a bundle as everybody is one: over HTTP, with a token, at the nodes that answer clients. */
export function connectTo({ dir, manifest }: Bundle): Promise<RpcConnection> {
  const ports = manifest.nodes.map(({ ports }) => ports.http).filter((port) => port !== null);
  return connectRpc({
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    jwtKey: join(dir, layout.jwtKey),
    chainId: manifest.chainId,
    genesisHash: manifest.genesisHash,
    pollMs: 250,
    timeoutMs: 30_000,
  });
}

/** The node's own error with which a call is refused. */
export async function rpcRefusal(call: Promise<unknown>): Promise<{ code: number; message: string }> {
  const thrown = (await refusal(call)) as unknown as {
    error?: RpcError;
    info?: { error?: RpcError };
    message: string;
  };
  const error = thrown.error ?? thrown.info?.error;
  if (error === undefined) throw new Error(`not refused by the node: ${thrown.message}`);
  return { code: error.code, message: error.message };
}

type RpcError = { code: number; message: string };
