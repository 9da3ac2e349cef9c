import { expect } from "chai";
import type { BaseContract } from "ethers";
import type { TenonError } from "../../../sdk/src/errors.js";
import { typedError } from "../../../sdk/src/revert.js";
import { refusal } from "../../support/refusal.js";

/** The chain takes no fee; gas given, so that it is sent although an estimate would refuse. */
const SENT = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, gasLimit: 5_000_000n };

/**
 * The contract's refusal of a call. Holds that the transaction, really sent, fails in its block as well, and that what
 * `state` reads is the same afterwards.
 */
export async function refusedByContract(
  contract: BaseContract,
  name: string,
  args: unknown[],
  state: () => Promise<unknown>,
): Promise<TenonError> {
  const before = await state();
  const method = contract.getFunction(name);
  const thrown = await refusal(method.staticCall(...args, SENT));
  const sent = await method.send(...args, SENT);
  const { receipt } = (await refusal(sent.wait())) as unknown as { receipt: { status: number } };
  expect(receipt.status).to.equal(0);
  expect(await state()).to.deep.equal(before);
  return typedError(thrown) as TenonError;
}
