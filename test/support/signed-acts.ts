import type { BaseContract, Signer, TypedDataDomain } from "ethers";

const types = {
  Act: [
    { name: "signer", type: "address" },
    { name: "call", type: "bytes" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

export interface TestAct {
  signer: string;
  call: string;
  nonce: bigint;
  deadline: bigint;
}

/** The EIP-712 domain of a contract, by its own word (EIP-5267). */
export async function domainOf(contract: BaseContract): Promise<TypedDataDomain> {
  const [, name, version, chainId, verifyingContract] = await contract.getFunction("eip712Domain")();
  return { name, version, chainId, verifyingContract };
}

/** Signs an act; `domain` is the contract's unless another is given. */
export async function signAct(
  contract: BaseContract,
  signer: Signer,
  act: TestAct,
  domain?: TypedDataDomain,
): Promise<string> {
  return signer.signTypedData(domain ?? (await domainOf(contract)), types, act);
}
