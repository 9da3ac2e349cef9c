import type { Hex } from "../bytes.js";
import { addressOf } from "../deployment.js";
import { TenonError } from "../errors.js";
import type { DeviceKey } from "../frame/key.js";
import { IConsortium__factory } from "../generated/typechain/index.js";
import type { Operation } from "../operation.js";
import {
  checkedId,
  keyProof,
  knownDevice,
  messagePlace,
  type Registry,
  registryCall,
  requirePlace,
} from "./context.js";
import { deviceEngagement, deviceOffer, deviceOfferEnd, deviceTransfer } from "./events.js";
import type { Engagement } from "./messages.js";
import type {
  DeviceEngagement,
  DeviceOffer,
  DeviceOfferEnd,
  DeviceTransfer,
  RegistrationProof,
} from "./model.js";
import { registryDomain } from "./registration.js";

/** What both parties of a hand-over sign (EIP-712); good for the device's present epoch only. */
export interface TransferTerms {
  readonly chainId: bigint;
  readonly registry: string;
  readonly device: Hex;
  /** Numbers of organisations. */
  readonly from: number;
  readonly to: number;
  readonly epoch: number;
  /** Last second, inclusive. */
  readonly deadline: bigint;
}

/** One party's signature: a device manager's key, or a contract's (ERC-1271). */
export interface PartySignature {
  readonly signer: string;
  readonly signature: Hex;
}

/** A hand-over on its way: the terms, and the signatures that are there. */
export interface HandOver {
  readonly terms: TransferTerms;
  readonly owner?: PartySignature;
  readonly recipient?: PartySignature;
}

/** An open offer. */
export interface OpenOffer {
  readonly to: number;
  readonly until: number;
}

/** How a device comes to another owner. */
export interface DeviceOwnership {
  /** Offers a device to another organisation, in place of an earlier offer. Sender: a device manager of the owner. */
  offer(id: Hex, to: number, until: number): Operation<DeviceOffer>;
  /** Takes an offer back. Sender: a device manager of the owner. */
  cancelOffer(id: Hex): Operation<DeviceOfferEnd>;
  /** Turns an offer down. Sender: a device manager of the organisation it was made to. */
  rejectOffer(id: Hex): Operation<DeviceOfferEnd>;
  /** Takes an offered device over. Sender: a device manager of the organisation it was offered to. */
  acceptOffer(id: Hex): Operation<DeviceTransfer>;
  /** The open offer, expired or not; undefined when there is none. */
  offerOf(id: Hex): Promise<OpenOffer | undefined>;
  /** What both parties sign when both are present, for the device as it is now. */
  transferTerms(id: Hex, to: number, deadline: bigint | number): Promise<TransferTerms>;
  /** Signs the terms with this client's key: for the owner, or for the recipient. Sends nothing. */
  signTransfer(terms: TransferTerms): Promise<PartySignature>;
  /** Number of the organisation an account acts for; 0 for a stranger. */
  organisationOf(account: string): Promise<number>;
  /** Hands a device over in one transaction, with both signatures. Sender: anyone. */
  transfer(terms: TransferTerms, owner: PartySignature, recipient: PartySignature): Operation<DeviceTransfer>;
  /** What the device signs to follow its owner of the present epoch; pass it to a device kit's `signEngagement`. */
  engagement(id: Hex, deadline: bigint | number): Promise<Engagement>;
  /** Records the device's own word. Sender: anyone. */
  engage(engagement: Engagement, key: DeviceKey, proof: RegistrationProof): Operation<DeviceEngagement>;
}

const types = {
  Transfer: [
    { name: "device", type: "bytes32" },
    { name: "from", type: "uint32" },
    { name: "to", type: "uint32" },
    { name: "epoch", type: "uint32" },
    { name: "deadline", type: "uint256" },
  ],
};

export function ownershipOf(registry: Registry): DeviceOwnership {
  const { contract } = registry;
  const ended = (method: string, id: Hex) =>
    registryCall(registry, method, [checkedId(id)], "DeviceOfferEnded", deviceOfferEnd);
  const transferred = (method: string, args: unknown[]) =>
    registryCall(registry, method, args, "DeviceTransferred", deviceTransfer);
  return {
    offer: (id, to, until) =>
      registryCall(registry, "offer", [checkedId(id), to, until], "DeviceOffered", deviceOffer),
    cancelOffer: (id) => ended("cancelOffer", id),
    rejectOffer: (id) => ended("rejectOffer", id),
    acceptOffer: (id) => transferred("acceptOffer", [checkedId(id)]),
    offerOf: async (id) => {
      const { to, until } = await contract.offerOf(checkedId(id));
      return to === 0n ? undefined : { to: Number(to), until: Number(until) };
    },
    transferTerms: async (id, to, deadline) => {
      const { id: device, organisation, epoch } = await knownDevice(registry, id);
      return { ...messagePlace(registry), device, from: organisation, to, epoch, deadline: BigInt(deadline) };
    },
    signTransfer: async (terms) => {
      requirePlace(registry, terms, "transfer");
      const { device, from, to, epoch, deadline } = terms;
      const signer = await registry.connection.signer();
      const value = { device, from, to, epoch, deadline };
      const signature = (await signer.signTypedData(registryDomain(terms), types, value)) as Hex;
      return { signer: await signer.getAddress(), signature };
    },
    organisationOf: async (account) => {
      const address = addressOf(registry.deployment, "Consortium");
      const consortium = IConsortium__factory.connect(address, registry.connection.provider);
      return Number(await consortium.orgOf(account));
    },
    transfer: (terms, owner, recipient) => {
      requirePlace(registry, terms, "transfer");
      const { device, to, deadline } = terms;
      return transferred("transfer", [device, to, deadline, owner, recipient]);
    },
    engagement: async (id, deadline) => {
      const { id: device, epoch, owner, engaged } = await knownDevice(registry, id);
      if (!engaged) return { ...messagePlace(registry), device, epoch, owner, deadline: BigInt(deadline) };
      throw new TenonError("DeviceAlreadyEngaged", "The device follows its owner already", {
        args: { device, epoch, owner },
        remedy: "Nothing to do.",
      });
    },
    engage: (engagement, key, proof) => {
      requirePlace(registry, engagement, "engagement");
      const args = [engagement.device, keyProof(key, proof), engagement.deadline];
      return registryCall(registry, "engage", args, "DeviceEngaged", deviceEngagement);
    },
  };
}
