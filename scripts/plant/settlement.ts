import {
  decodeFrame,
  encodeFrame,
  type FrameProof,
  frameAad,
  fromHex,
  type Hex,
  holderOf,
  leafHash,
  meterPayload,
  readMeter,
  TenonError,
  toHex,
  typedError,
} from "@tenon/sdk";
import type { DeviceSigner } from "@tenon/sdk/device";
import { type ContractTransactionResponse, encodeBytes32String, type Wallet } from "ethers";
import type { FrameProofStruct } from "../../sdk/src/generated/typechain/contracts/examples/PayPerUse.js";
import {
  type ExampleCash,
  ExampleCash__factory,
  type PayPerUse,
  PayPerUse__factory,
} from "../../sdk/src/generated/typechain/index.js";
import { organisation, type Person } from "./people.js";

const noFee = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };

export interface SettlementTerms {
  contracts: { Consortium: string; DeviceRegistry: string; FrameReader: string };
  people: Record<Person, Wallet>;
  signer: DeviceSigner;
  /** Meter frames of one machine, anchored: the agreed start and a later one. */
  from: FrameProof;
  to: FrameProof;
  /** Fen for one unit of the machine's counter. */
  price: bigint;
  say: (line: string) => void;
}

/**
 * Lets the example contract pay for what a machine counted between two frames, then tries three ways to be paid
 * wrongly. Throws when a payment is off by a fen or a refusal does not come.
 */
export async function settle(terms: SettlementTerms): Promise<void> {
  const { from, to, price, say } = terms;
  const { x, y } = terms.signer.key;
  const [start, end] = [meterOf(from), meterOf(to)];
  const { cash, contract } = await deployExample(terms);
  const due = (end.value - start.value) * price;
  const funded = due + 100_000n;
  const id = await openAccount(terms, cash, contract, funded);
  say(`  the payer's account holds ${yuan(funded)}; the price is ${price} fen a ${start.unit}`);

  const owner = holderOf(organisation.owner);
  const before = await cash.balanceOf(owner);
  await sent(contract.settle(id, call(from), call(to), x, y, noFee));
  const paid = (await cash.balanceOf(owner)) - before;
  const left = await cash.balanceOf(await contract.getAddress());
  if (paid !== due || left !== funded - due) {
    throw new TenonError("PaymentWrong", "The contract paid another amount than is due", {
      args: { due, paid, funded, left },
    });
  }
  say(
    `  ${start.name} ${start.value} → ${end.value} ${start.unit}: paid ${yuan(paid)} to the owner ${owner}`,
  );

  await refused(terms, "the same two frames again", "StartRefused", contract, id, from, to);
  await refused(terms, "back to the earlier frame", "FrameNotLater", contract, id, to, from);
  const forged = { ...to, frame: unanchored(terms) };
  await refused(terms, "a frame that was never anchored", "FrameNotInBatch", contract, id, to, forged);

  const treasurer = cash.connect(terms.people.owner);
  await sent(treasurer.transfer(terms.people.issuer.address, paid, noFee));
  say(`  the owner's treasurer spends the ${yuan(paid)} it received`);
}

async function deployExample({ contracts, people }: SettlementTerms) {
  const { Consortium, DeviceRegistry, FrameReader } = contracts;
  const cash = await new ExampleCash__factory(people.issuer).deploy(Consortium, people.issuer.address, noFee);
  await cash.waitForDeployment();
  const contract = await new PayPerUse__factory(people.issuer).deploy(
    FrameReader,
    DeviceRegistry,
    await cash.getAddress(),
    Consortium,
    noFee,
  );
  await contract.waitForDeployment();
  return { cash, contract };
}

/** The payer's treasurer opens the account and puts money in: both are its organisation's. */
async function openAccount(
  { people, from, price }: SettlementTerms,
  cash: ExampleCash,
  contract: PayPerUse,
  amount: bigint,
): Promise<bigint> {
  const { name, unit } = meterOf(from);
  const device = decodeFrame(fromHex(from.frame)).header.device;
  const start = toHex(leafHash(fromHex(from.frame)));
  await sent(cash.mint(holderOf(organisation.payer), amount, noFee));
  const payer = contract.connect(people.payer);
  await sent(payer.open(device, price, encodeBytes32String(name), encodeBytes32String(unit), start, noFee));
  const id = await contract.accountCount();
  await sent(cash.connect(people.payer).approve(await contract.getAddress(), amount, noFee));
  await sent(payer.deposit(id, amount, noFee));
  return id;
}

async function refused(
  { say, signer }: SettlementTerms,
  what: string,
  code: string,
  contract: PayPerUse,
  id: bigint,
  from: FrameProof,
  to: FrameProof,
): Promise<void> {
  const balance = (await contract.account(id)).balance;
  const answer = await contract.settle.staticCall(id, call(from), call(to), signer.key.x, signer.key.y).then(
    () => "it was paid",
    (error: unknown) => (typedError(error) as TenonError).code,
  );
  if (answer !== code || (await contract.account(id)).balance !== balance) {
    throw new TenonError("RefusalMissing", `The contract did not refuse ${what}`, {
      args: { expected: code, answer },
    });
  }
  say(`  refused: ${what} (${code})`);
}

/** A frame the machine's own key signed for this deployment, with a fine counter, that no oracle ever saw. */
function unanchored({ signer, to }: SettlementTerms): Hex {
  const { header } = decodeFrame(fromHex(to.frame));
  const meter = meterOf(to);
  const aad = frameAad({ chainId: BigInt(to.chainId), registry: to.registry });
  const later = { ...header, seq: header.seq + 1n };
  return toHex(encodeFrame(later, meterPayload({ ...meter, value: meter.value + 1_000n }), aad, signer.sign));
}

function meterOf(proof: FrameProof) {
  return readMeter(decodeFrame(fromHex(proof.frame)));
}

function call({ frame, anchor, index, path, epochPath }: FrameProof): FrameProofStruct {
  const { stream, ...batch } = anchor;
  return { frame, stream, anchor: batch, index, path: [...path], epochPath: [...epochPath] };
}

async function sent(transaction: Promise<ContractTransactionResponse>): Promise<void> {
  try {
    await (await transaction).wait();
  } catch (error) {
    throw typedError(error);
  }
}

/** Fen as yuan, exactly. */
function yuan(fen: bigint): string {
  return `¥${fen / 100n}.${String(fen % 100n).padStart(2, "0")}`;
}
