import type { NetworkHooks } from "hardhat/types/hooks";
import type { NetworkConnection } from "hardhat/types/network";
import type { JsonRpcRequest, JsonRpcResponse } from "hardhat/types/providers";
import { BesuLink } from "./link.js";

/** Hardhat hands every request of every network to this; those of network `besu` are answered by our connection. */
export default async (): Promise<Partial<NetworkHooks>> => {
  const links = new WeakMap<object, BesuLink>();
  const linkOf = (connection: NetworkConnection<string>): BesuLink => {
    const link = links.get(connection) ?? new BesuLink(connection);
    links.set(connection, link);
    return link;
  };
  return {
    async onRequest(context, connection, request, next): Promise<JsonRpcResponse> {
      const isOurs = connection.networkName === "besu" && !signedByHardhat.has(request.method);
      if (!isOurs) return next(context, connection, request);
      return linkOf(connection as NetworkConnection<string>).answer(request as JsonRpcRequest);
    },
    async closeConnection(context, connection, next): Promise<void> {
      await links.get(connection)?.close();
      await next(context, connection);
    },
  };
};

/** Answered by Hardhat itself from the network's accounts; no node hears of them. */
const signedByHardhat = new Set([
  "eth_accounts",
  "eth_requestAccounts",
  "eth_sign",
  "personal_sign",
  "eth_signTypedData_v4",
]);
