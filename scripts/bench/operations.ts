import { randomBytes } from "node:crypto";
import { Interface, type Wallet } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import type { Tenon } from "../../sdk/src/client.js";
import { DeviceSigner } from "../../sdk/src/device/index.js";
import { abis } from "../../sdk/src/generated/abis.js";
import { erc20 } from "./token.js";

const noFee = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } as const;
/** The gas limit of the oracle's anchors: every 1,024th seals an epoch. */
const ANCHOR_GAS = 4_000_000n;

/** Transfers of one unit, the senders taking turns. Signed beforehand, so that signing is not measured. */
export async function transfers(
  token: string,
  senders: readonly Wallet[],
  chainId: number,
  count: number,
  from = 0,
): Promise<string[]> {
  const data = erc20.encodeFunctionData("transfer", [`0x${randomBytes(20).toString("hex")}`, 1n]);
  const raw: string[] = [];
  for (let i = 0; i < count; i++) {
    const sender = senders[i % senders.length]!;
    const nonce = from + Math.floor(i / senders.length);
    raw.push(await sender.signTransaction({ ...noFee, to: token, data, nonce, chainId, gasLimit: 80_000n }));
  }
  return raw;
}

/** Registrations of new devices, each with its own P-256 key's proof, by one of the manufacturer's signatories. */
export async function registrations(
  tenon: Tenon,
  manufacturer: Wallet,
  chainId: number,
  count: number,
  firstNonce: number,
): Promise<string[]> {
  const raw: string[] = [];
  for (let i = 0; i < count; i++) {
    const device = DeviceSigner.generate();
    const deadline = Math.floor(Date.now() / 1000) + 3_600;
    const registration = tenon.devices.registration({ owner: 2, deadline });
    const proof = device.signRegistration(registration);
    const { to, data } = tenon.devices.register(device.key, registration, proof);
    raw.push(
      await manufacturer.signTransaction({
        ...noFee,
        to,
        data,
        nonce: firstNonce + i,
        chainId,
        gasLimit: 200_000n,
      }),
    );
  }
  return raw;
}

const anchorLog = new Interface(abis.AnchorLog);

/** The next batches of an empty stream, of a thousand frames each. Their roots are random: the contract takes any. */
export async function anchors(
  anchorLogAddress: Hex | string,
  key: Wallet,
  chainId: number,
  count: number,
  firstNonce: number,
): Promise<string[]> {
  const now = Math.floor(Date.now() / 1000) - 60;
  const root = () => `0x${randomBytes(32).toString("hex")}`;
  const raw: string[] = [];
  for (let batch = 0; batch < count; batch++) {
    const anchor = {
      batch,
      first: 1_000 * batch,
      count: 1_000,
      minTime: now,
      maxTime: now,
      framesRoot: root(),
      headsRoot: root(),
      rejectsRoot: root(),
    };
    const data = anchorLog.encodeFunctionData("anchor", [1, anchor]);
    raw.push(
      await key.signTransaction({
        ...noFee,
        to: anchorLogAddress,
        data,
        nonce: firstNonce + batch,
        chainId,
        gasLimit: ANCHOR_GAS,
      }),
    );
  }
  return raw;
}
