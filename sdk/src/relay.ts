import { Interface } from "ethers";
import type { Hex } from "./bytes.js";
import { type ContractName, contractNames, type Deployment } from "./deployment.js";
import { TenonError } from "./errors.js";
import { abis } from "./generated/abis.js";
import { eventIn, sameAddress } from "./logs.js";
import { type Connection, type Operation, operation } from "./operation.js";
import { actsAbi, checkSignedAct, type SignedAct } from "./signed-act.js";
import { callInWords, methodOf, momentInWords } from "./words.js";

/** What came of an act that was brought. */
export interface RelayedAct {
  readonly signer: string;
  readonly relayer: string;
  /** The function that was called in the signer's name. */
  readonly method: string;
  readonly nonce: bigint;
  readonly transaction: Hex;
  /** What the contract said about it, in order. */
  readonly events: readonly { readonly name: string; readonly args: Readonly<Record<string, unknown>> }[];
}

const acts = new Interface(actsAbi);

/**
 * Brings an act that somebody signed. Refused with the reason of the act itself when it is not allowed.
 * @throws TenonError `SignedActInvalid`; `SignedActForeign` for an act on another chain or on a contract that is not of
 * this deployment.
 */
export function relayOf(
  connection: Connection,
  deployment: Deployment,
): (act: SignedAct) => Operation<RelayedAct> {
  return (given) => {
    const act = checkSignedAct(given);
    const name = contractNames.find((one) => sameAddress(deployment.contracts[one].address, act.contract));
    if (name === undefined || act.chainId !== String(deployment.chainId)) {
      throw new TenonError("SignedActForeign", "The act is for another chain or contract", {
        args: { contract: act.contract, chainId: act.chainId, ours: deployment.chainId },
        remedy: "Bring it to the deployment that its signer meant.",
      });
    }
    const args = [act.signer, act.call, act.nonce, act.deadline, act.signature];
    return operation(
      connection,
      { to: act.contract, data: acts.encodeFunctionData("act", args) },
      (logs, { hash }) => {
        const { signer, relayer, selector, nonce } = eventIn(logs, acts, "ActRelayed").event.args;
        return {
          signer,
          relayer,
          method: methodOf(selector),
          nonce,
          transaction: hash as Hex,
          events: eventsIn(logs, name),
        };
      },
    );
  };
}

/** A signed act as its bringer should read it. */
export function signedActInWords(act: SignedAct): string {
  const until = momentInWords(BigInt(act.deadline));
  return `${act.signer}, on ${act.contract} of chain ${act.chainId}, until ${until}:\n${callInWords(act.call)}`;
}

function eventsIn(logs: Parameters<typeof eventIn>[0], name: ContractName): RelayedAct["events"] {
  const abi = new Interface(abis[name]);
  return logs.flatMap((log) => {
    const event = abi.parseLog(log);
    if (event === null || event.name === "ActRelayed") return [];
    return [{ name: event.name, args: event.args.toObject() }];
  });
}
