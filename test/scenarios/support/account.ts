import { type ContractTransactionResponse, encodeBytes32String, type Wallet } from "ethers";
import { fromHex, type Hex, toHex } from "../../../sdk/src/bytes.js";
import type { Deployment } from "../../../sdk/src/deployment.js";
import type { DeviceSigner } from "../../../sdk/src/device/index.js";
import type { TenonError } from "../../../sdk/src/errors.js";
import type { FrameProofStruct } from "../../../sdk/src/generated/typechain/contracts/examples/PayPerUse.js";
import {
  type ExampleCash,
  ExampleCash__factory,
  type PayPerUse,
  PayPerUse__factory,
} from "../../../sdk/src/generated/typechain/index.js";
import { type FrameProof, frameProofFrom, holderOf, leafHash } from "../../../sdk/src/index.js";
import { organisation } from "./consortium.js";
import { METER } from "./machine.js";
import { refusedByContract } from "./refused.js";

const noFee = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };

/** What the parties agreed to. */
export interface Terms {
  deployment: Deployment;
  people: { payer: Wallet; issuer: Wallet; stranger: Wallet };
  machine: DeviceSigner;
  /** Fen for a second of the machine's running. */
  price: bigint;
  /** Fen that the payer puts in. */
  money: bigint;
  /** Proof of the meter frame from which the payer pays. */
  start: unknown;
}

/** An account of the example contract, from which a payer's organisation pays a machine's owner. */
export class UseAccount {
  readonly #id = 1n;
  readonly #cash: ExampleCash;
  readonly #contract: PayPerUse;
  readonly #key: [x: Hex, y: Hex];

  private constructor(cash: ExampleCash, contract: PayPerUse, { x, y }: DeviceSigner["key"]) {
    this.#cash = cash;
    this.#contract = contract;
    this.#key = [x, y];
  }

  static async open({ deployment, people, machine, price, money, start }: Terms): Promise<UseAccount> {
    const { payer, issuer, stranger } = people;
    const { Consortium, DeviceRegistry, FrameReader } = deployment.contracts;
    const cash = await new ExampleCash__factory(issuer).deploy(Consortium.address, issuer.address, noFee);
    await cash.waitForDeployment();
    const contract = await new PayPerUse__factory(issuer).deploy(
      FrameReader.address,
      DeviceRegistry.address,
      await cash.getAddress(),
      Consortium.address,
      noFee,
    );
    await contract.waitForDeployment();
    const account = new UseAccount(cash, contract.connect(stranger), machine.key);

    const leaf = toHex(leafHash(fromHex(frameProofFrom(start).frame)));
    const [name, unit] = [encodeBytes32String(METER.name), encodeBytes32String(METER.unit)];
    await mined(cash.mint(holderOf(organisation.payer), money, noFee));
    await mined(contract.connect(payer).open(machine.id, price, name, unit, leaf, noFee));
    await mined(cash.connect(payer).approve(await contract.getAddress(), money, noFee));
    await mined(contract.connect(payer).deposit(account.#id, money, noFee));
    return account;
  }

  /** Settles between two frames; a stranger sends it, because the frames decide. */
  async settle(from: unknown, to: unknown): Promise<void> {
    await mined(this.#contract.settle(this.#id, call(from), call(to), ...this.#key, noFee));
  }

  /** Who has how much, in fen, and up to which frame is paid. */
  async state() {
    const { balance, last } = await this.#contract.account(this.#id);
    const owner = await this.#cash.balanceOf(holderOf(organisation.owner));
    return { balance, held: await this.#cash.balanceOf(await this.#contract.getAddress()), owner, last };
  }

  /** The contract's refusal to settle, which moves nothing. */
  refusal(from: unknown, to: unknown): Promise<TenonError> {
    return refusedByContract(this.#contract, "settle", [this.#id, call(from), call(to), ...this.#key], () =>
      this.state(),
    );
  }
}

function call(proof: unknown): FrameProofStruct {
  const { frame, anchor, index, path, epochPath }: FrameProof = frameProofFrom(proof);
  const { stream, ...batch } = anchor;
  return { frame, stream, anchor: batch, index, path: [...path], epochPath: [...epochPath] };
}

async function mined(transaction: Promise<ContractTransactionResponse>): Promise<void> {
  await (await transaction).wait();
}
