import {
  Contract,
  getAddress,
  type JsonFragment,
  type Provider,
  type Signer,
  type TypedDataDomain,
} from "ethers";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";
import { abis } from "./generated/abis.js";
import { callInWords, momentInWords } from "./words.js";

/** An act that its signer allowed and anyone may bring: `tenon.relay` does. Numbers are decimal, so that it is JSON. */
export interface SignedAct {
  readonly chainId: string;
  /** The contract the act is done on, and no other. */
  readonly contract: string;
  readonly signer: string;
  readonly call: Hex;
  readonly nonce: string;
  /** Last second, inclusive, at which it counts. */
  readonly deadline: string;
  readonly signature: Hex;
}

export interface SignOptions {
  /** Last second (Unix time), inclusive, at which the act counts. Default: an hour from now. */
  readonly deadline?: bigint | number;
  /** Acts of one key are done in order, acts of different keys do not wait for each other. Default: 0. */
  readonly key?: bigint | number;
  /** Who acts, when that is a contract for which the key signs (ERC-1271). Default: the key's own account. */
  readonly as?: string;
  /** Who signs. Default: the client's signer. */
  readonly signer?: Signer;
  /** Is given the act in words before anything is signed; throw from it to refuse. Default: prints it on stderr. */
  readonly show?: (words: string) => void | Promise<void>;
}

const types = {
  Act: [
    { name: "signer", type: "address" },
    { name: "call", type: "bytes" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/** What every contract that takes signed acts has; all of them have it alike. */
export const actsAbi: readonly JsonFragment[] = abis.Consortium.filter(
  (entry) => "name" in entry && ["act", "nonces", "eip712Domain", "ActRelayed"].includes(entry.name),
);

/**
 * Signs a call of one of our contracts, to be brought by anybody.
 * @throws TenonError `ActsNotTaken` when the contract takes no signed acts; `CallUnknown` for a call nobody can read.
 */
export async function signCall(
  provider: Provider,
  call: { readonly to: string; readonly data: Hex },
  signer: Signer,
  options: SignOptions = {},
): Promise<SignedAct> {
  const contract = new Contract(call.to, actsAbi, provider);
  const domain = await domainOf(provider, contract, call.to);
  const account = getAddress(options.as ?? (await signer.getAddress()));
  const key = BigInt(options.key ?? 0);
  const nonce: bigint = await contract.getFunction("nonces(address,uint192)")(account, key);
  const deadline = BigInt(options.deadline ?? Math.floor(Date.now() / 1_000) + 3_600);

  await (options.show ?? print)(actInWords(domain, { signer: account, call: call.data, nonce, deadline }));
  const value = { signer: account, call: call.data, nonce, deadline };
  const signature = (await signer.signTypedData(domain, types, value)) as Hex;
  return {
    chainId: String(domain.chainId),
    contract: getAddress(call.to),
    signer: account,
    call: call.data,
    nonce: String(nonce),
    deadline: String(deadline),
    signature,
  };
}

/** The domain as the contract tells it (EIP-5267), held against the chain and the address that are meant. */
async function domainOf(provider: Provider, contract: Contract, to: string): Promise<TypedDataDomain> {
  const { chainId } = await provider.getNetwork();
  const told = await contract
    .getFunction("eip712Domain")()
    .catch(() => undefined);
  const right =
    told !== undefined && told.chainId === chainId && getAddress(told.verifyingContract) === getAddress(to);
  if (right) return { name: told.name, version: told.version, chainId, verifyingContract: getAddress(to) };
  throw new TenonError("ActsNotTaken", "This contract takes no signed acts", {
    args: { contract: to, chainId },
    remedy: "Send the operation itself from the account that may do it.",
  });
}

function actInWords(
  domain: TypedDataDomain,
  act: { signer: string; call: Hex; nonce: bigint; deadline: bigint },
): string {
  return [
    `${act.signer} signs for ${domain.name} (${domain.verifyingContract}, chain ${domain.chainId}):`,
    callInWords(act.call).replaceAll(/^/gm, "  "),
    `  good once, until ${momentInWords(act.deadline)}; anyone may bring it`,
  ].join("\n");
}

function print(words: string): void {
  console.error(words);
}

/** Checks the form of an act that came from elsewhere. Throws `SignedActInvalid`. */
export function checkSignedAct(value: unknown): SignedAct {
  const act = (value ?? {}) as Partial<Record<keyof SignedAct, unknown>>;
  const forms: [keyof SignedAct, RegExp][] = [
    ["chainId", /^[1-9][0-9]{0,76}$/],
    ["contract", /^0x[0-9a-fA-F]{40}$/],
    ["signer", /^0x[0-9a-fA-F]{40}$/],
    ["call", /^0x([0-9a-fA-F]{2}){4,}$/],
    ["nonce", /^(0|[1-9][0-9]{0,77})$/],
    ["deadline", /^(0|[1-9][0-9]{0,77})$/],
    ["signature", /^0x([0-9a-fA-F]{2})*$/],
  ];
  for (const [field, form] of forms) {
    const given = act[field];
    if (typeof given === "string" && form.test(given)) continue;
    throw new TenonError("SignedActInvalid", "This is not a signed act", {
      args: { field, given: String(given) },
      remedy: "Pass it on as `sign` gave it.",
    });
  }
  return act as SignedAct;
}
