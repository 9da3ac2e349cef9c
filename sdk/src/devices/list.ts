import { concatBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, deviceIdOf, importDeviceKey } from "../frame/key.js";
import { leafHash, leafHashes, MerkleTree, verifyInclusion } from "../proof/merkle.js";
import { type Parameters, parametersHashOf } from "./parameters.js";
import { noHash } from "./registration.js";

/** One device of a production run, as the maker knows it before it was ever on a chain. */
export interface ListedDevice {
  readonly key: DeviceKey;
  readonly parametersHash: Hex;
  /** SHA-256 of the factory certificate in DER; 32 zero bytes for none. */
  readonly certificateHash: Hex;
  /** What the hash stands for, and the salt that hides it: for the buyer, never for the chain. */
  readonly parameters?: Parameters;
  readonly salt?: Hex;
}

/** Who a list or an activation is from, and the registry it is meant for. */
export interface ListPlace {
  /** Decimal. */
  readonly chainId: string;
  readonly registry: string;
  /** Number of the manufacturer's organisation: a root is looked up under it. */
  readonly maker: number;
}

/**
 * A whole production run under one root: an RFC 9162 tree whose entry is `deviceId ‖ parametersHash ‖
 * certificateHash`, 96 bytes, in the order of the devices. The registry keeps the root and the count.
 */
export interface FactoryList extends ListPlace {
  readonly format: typeof LIST_FORMAT;
  readonly root: Hex;
  readonly count: number;
  readonly devices: readonly ListedDevice[];
}

/** One device's way into the registry: what the maker hands over with it. Holds nothing secret but the parameters. */
export interface Activation extends ListPlace {
  readonly format: typeof ACTIVATION_FORMAT;
  readonly id: Hex;
  readonly device: ListedDevice;
  /** The list, and where the device stands in it. */
  readonly root: Hex;
  readonly count: number;
  readonly index: number;
  readonly path: readonly Hex[];
}

export const LIST_FORMAT = "tenon-factory-list-v1";
export const ACTIVATION_FORMAT = "tenon-activation-v1";

/** As many as a position in a list can count. */
const MOST = 0xffff_ffff;

/** The bytes under a leaf. */
export function listEntry({ key, parametersHash, certificateHash }: ListedDevice): Uint8Array {
  const id = fromHex(deviceIdOf(key));
  return concatBytes(id, fromHex(parametersHash, 32), fromHex(certificateHash, 32));
}

/**
 * Makes a list of devices: checks every key and hash, refuses a device that stands there twice, builds the tree.
 * @throws TenonError `ListEmpty`, `ListDeviceTwice`, `DeviceKeyInvalid`, `ParametersMismatch`.
 */
export function factoryList(place: ListPlace, devices: readonly ListedDevice[]): FactoryList {
  return new ListTree(place, devices).list;
}

/** The tree over a list, to make activations from: build it once for the whole run. */
export class ListTree {
  readonly list: FactoryList;
  readonly #tree: MerkleTree;
  readonly #ids: Hex[];

  constructor({ chainId, registry, maker }: ListPlace, devices: readonly ListedDevice[]) {
    if (devices.length === 0 || devices.length > MOST) {
      throw new TenonError("ListEmpty", "A factory list has at least one device", {
        args: { devices: devices.length },
        remedy: "Check the file: a header line alone names no device.",
      });
    }
    this.#ids = checkedIds(devices);
    this.#tree = new MerkleTree(leafHashes(devices.map(listEntry)));
    this.list = {
      format: LIST_FORMAT,
      chainId,
      registry,
      maker,
      root: toHex(this.#tree.root),
      count: devices.length,
      devices,
    };
  }

  /** Builds the tree of a list that came from elsewhere. Throws `ListRootMismatch` when its devices are not the root's. */
  static of(list: FactoryList): ListTree {
    const tree = new ListTree(list, list.devices);
    const { root, count } = tree.list;
    if (root === list.root.toLowerCase() && count === list.count) return tree;
    throw new TenonError("ListRootMismatch", "The list's devices do not make up its root", {
      args: { root: list.root, computed: root, count: list.count, devices: count },
      remedy: "Get the list from the maker again: it was changed on its way.",
    });
  }

  /** What the owner of one device needs to activate it. */
  activation(index: number): Activation {
    const { chainId, registry, maker, root, count, devices } = this.list;
    const path = this.#tree.path(index).map(toHex);
    const [id, device] = [this.#ids[index]!, devices[index]!];
    return { format: ACTIVATION_FORMAT, chainId, registry, maker, id, device, root, count, index, path };
  }

  /** The activation of a device, or undefined when it is not on the list. */
  activationOf(id: Hex): Activation | undefined {
    const index = this.#ids.indexOf(id.toLowerCase() as Hex);
    return index < 0 ? undefined : this.activation(index);
  }

  *activations(): Generator<Activation> {
    for (let index = 0; index < this.list.count; index++) yield this.activation(index);
  }
}

function checkedIds(devices: readonly ListedDevice[]): Hex[] {
  const seen = new Map<Hex, number>();
  return devices.map((device, index) => {
    importDeviceKey(device.key); // a key that is no point could never activate
    checkParameters(device, index);
    const id = deviceIdOf(device.key);
    const before = seen.get(id);
    if (before !== undefined) {
      throw new TenonError("ListDeviceTwice", "A device stands on the list twice", {
        args: { device: id, first: before, again: index },
        remedy: "Remove one; positions count from 0. Two devices never share a key.",
      });
    }
    seen.set(id, index);
    return id;
  });
}

/** That the parameters in clear are those of the hash; where they are left out there is nothing to check. */
function checkParameters({ parameters, salt, parametersHash }: ListedDevice, index: number): void {
  if (parameters === undefined || salt === undefined) return;
  const computed = parametersHashOf(salt, parameters);
  if (computed === parametersHash.toLowerCase()) return;
  throw new TenonError("ParametersMismatch", "The parameters are not those of the hash", {
    args: { index, parametersHash, computed },
    remedy: "Do not use it: parameters or salt were changed, or belong to another device.",
  });
}

/**
 * Checks an activation before anything is sent: the device's id, its parameters, and that the path leads to the root.
 * Whether the maker opened that root is the registry's to say.
 * @throws TenonError `ActivationInvalid` naming the part, `ParametersMismatch`.
 */
export function verifyActivation(activation: Activation): void {
  const { id, device, root, count, index, path } = activation;
  if (deviceIdOf(device.key) !== id.toLowerCase()) throw invalid("id", id);
  checkParameters(device, index);
  const nodes = path.map((node) => fromHex(node, 32));
  const leaf = leafHash(listEntry(device));
  if (!verifyInclusion({ leaf, index, size: count, path: nodes, root: fromHex(root, 32) })) {
    throw invalid("path", `to ${root} from position ${index} of ${count}`);
  }
}

function invalid(part: string, given: unknown): TenonError {
  return new TenonError("ActivationInvalid", "The activation does not hold", {
    args: { part, given },
    remedy: "Ask the maker for the device's activation again: this one was changed or is another device's.",
  });
}

/** A listed device from what is known of it, with the hashes that are left out. */
export function listedDevice(
  key: DeviceKey,
  more: { parametersHash?: Hex; certificateHash?: Hex; parameters?: Parameters; salt?: Hex } = {},
): ListedDevice {
  const { parameters, salt, certificateHash = noHash } = more;
  const given = more.parametersHash;
  if (parameters === undefined || salt === undefined) {
    return { key, parametersHash: given ?? noHash, certificateHash };
  }
  const parametersHash = given ?? parametersHashOf(salt, parameters);
  return { key, parametersHash, certificateHash, parameters, salt };
}
