import { BrowserProvider, type Eip1193Provider, type Provider } from "ethers";
import { TenonError } from "./errors.js";

/** Anything that takes raw JSON-RPC: an EIP-1193 provider, or an ethers provider that talks to one node. */
export type RpcSource =
  | Pick<Eip1193Provider, "request">
  | { send(method: string, params: unknown[]): Promise<unknown> };

export type ProviderLike = Provider | Pick<Eip1193Provider, "request">;

/** One raw JSON-RPC call. Answers are `unknown`: the caller checks what it uses. */
export async function rpc(source: RpcSource, method: string, params: unknown[]): Promise<unknown> {
  return "send" in source ? source.send(method, params) : source.request({ method, params });
}

/** The same provider as a source of raw calls. Throws `RpcUnavailable` for one that hides its node. */
export function rpcSource(provider: object): RpcSource {
  if ("send" in provider || "request" in provider) return provider as RpcSource;
  throw new TenonError("RpcUnavailable", "The provider does not take raw JSON-RPC calls", {
    args: { provider: provider.constructor.name },
    remedy:
      "Use a provider that talks to one node: JsonRpcProvider, WebSocketProvider or an EIP-1193 provider.",
  });
}

/** An ethers provider over either kind. Answers are not cached, so that a read sees what was just written. */
export function ethersProvider(provider: ProviderLike): Provider {
  if (!isEip1193(provider)) return provider;
  return new BrowserProvider(provider as Eip1193Provider, undefined, { cacheTimeout: -1 });
}

export function isEip1193(provider: ProviderLike): provider is Pick<Eip1193Provider, "request"> {
  return "request" in provider && !("getNetwork" in provider);
}
