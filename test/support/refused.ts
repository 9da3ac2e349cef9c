import { expect } from "chai";
import type { BaseContract, ContractTransactionResponse } from "ethers";

/** Gas enough for every call of the tests: with it given, ethers sends at once what an estimate would refuse. */
const SENT = { gasLimit: 5_000_000n };

/**
 * Holds that a transaction, really sent and mined, fails with exactly this error and these arguments, and that what
 * `state` reads is the same afterwards.
 */
export async function expectRefused(
  send: (overrides: typeof SENT) => Promise<ContractTransactionResponse>,
  contract: BaseContract,
  error: string,
  args: readonly unknown[],
  state: () => Promise<unknown>,
): Promise<void> {
  const before = await state();
  await expect(send(SENT))
    .to.be.revertedWithCustomError(contract, error)
    .withArgs(...args);
  expect(await state()).to.deep.equal(before);
}
