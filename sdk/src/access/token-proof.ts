import { getAddress, type Signer, TypedDataEncoder, verifyTypedData } from "ethers";
import type { Hex } from "../bytes.js";
import { deviceMessage, type RegistrationMessage } from "../devices/registration.js";
import { TenonError } from "../errors.js";
import type { DeviceKey } from "../frame/key.js";
import type { TokenUse } from "./model.js";
import { accessTypedDomain } from "./pass.js";
import type { AccessDomain } from "./signed.js";

/** What a requester signs to show that a token is its own: with the gateway's challenge, so that it is good once. */
export interface TokenChallenge {
  readonly device: Hex;
  readonly token: Hex;
  /** 32 random bytes of whoever is shown the token. */
  readonly challenge: Hex;
}

const proofTypes = {
  TokenProof: [
    { name: "device", type: "bytes32" },
    { name: "token", type: "bytes32" },
    { name: "challenge", type: "bytes32" },
  ],
};

/** The requester's proof that it holds the key of a token (EIP-712; a wallet or an HSM can make it). */
export async function signTokenProof(
  domain: AccessDomain,
  shown: TokenChallenge,
  signer: Signer,
): Promise<Hex> {
  return (await signer.signTypedData(accessTypedDomain(domain), proofTypes, shown)) as Hex;
}

/**
 * What a gateway checks before it redeems a token for somebody: a token is public, so only the key behind it counts.
 * @throws TenonError `ChallengeFailed`.
 */
export function requireTokenProof(domain: AccessDomain, use: TokenUse, challenge: Hex, signature: Hex): void {
  const { device, token, requester } = use;
  const shown = { device, token, challenge };
  const by = recovered(() => verifyTypedData(accessTypedDomain(domain), proofTypes, shown, signature));
  if (by === getAddress(requester)) return;
  throw new TenonError(
    "ChallengeFailed",
    "Whoever shows the token did not sign the challenge as its requester",
    {
      args: { device, token, requester, signedBy: by ?? "nobody" },
      remedy:
        "Give no access. Let the requester sign this challenge with the account that asked for the token.",
    },
  );
}

function recovered(recover: () => string): string | undefined {
  try {
    return recover();
  } catch {
    return undefined;
  }
}

const redemptionTypes = {
  Redemption: [
    { name: "device", type: "bytes32" },
    { name: "token", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** What a device signs to use a token up by itself; anybody may bring it to the chain. */
export function redemptionMessage(
  curve: DeviceKey["curve"],
  domain: AccessDomain,
  redemption: { readonly device: Hex; readonly token: Hex; readonly deadline: bigint },
): RegistrationMessage {
  return deviceMessage(curve, accessTypedDomain(domain), redemptionTypes, redemption);
}

/** The digest that a wallet shows for a token proof. */
export function tokenProofDigest(domain: AccessDomain, shown: TokenChallenge): Hex {
  return TypedDataEncoder.hash(accessTypedDomain(domain), proofTypes, shown) as Hex;
}
