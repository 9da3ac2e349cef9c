import type { Log } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { IDeviceComposition__factory } from "../generated/typechain/index.js";
import { eventsIn, type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { withTypedErrors } from "../revert.js";
import { checkedId, registryOf } from "./context.js";
import { ownershipOf } from "./ownership.js";

/** A part that came into a machine or out of it. */
export interface PartChange {
  /** `pruned`: a link that was over already, cleared away. */
  readonly kind: "attached" | "detached" | "pruned";
  readonly part: Hex;
  readonly machine: Hex;
  /** The account that asked. */
  readonly by: string;
  readonly at: LogPosition;
}

/** A machine with what is built into it, level by level. */
export interface MachineTree {
  readonly device: Hex;
  readonly parts: readonly MachineTree[];
}

/** Machines built of devices. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Machines {
  /** Builds parts into a machine, all or none. Sender: a device manager of the owner of machine and parts. */
  attach(machine: Hex, parts: readonly Hex[]): Operation<PartChange[]>;
  /** Takes parts out of the machines they are in and into this one. Sender: as `attach`. */
  move(machine: Hex, parts: readonly Hex[]): Operation<PartChange[]>;
  /** Takes parts out of their machines. Sender: a device manager of the owner. */
  detach(parts: readonly Hex[]): Operation<PartChange[]>;
  /** Clears a link that is over. Sender: anyone. */
  prune(part: Hex): Operation<PartChange>;
  /** The machine a part is in now; undefined when it is in none. */
  machineOf(part: Hex): Promise<Hex | undefined>;
  /** The machine at the top; the device itself when it is in none. */
  rootOf(device: Hex): Promise<Hex>;
  /** Directly, or through other parts. */
  isPartOf(device: Hex, machine: Hex): Promise<boolean>;
  /** The parts directly in a machine now, in the order they came. */
  parts(machine: Hex): Promise<Hex[]>;
  /** The whole machine as it is now. */
  tree(machine: Hex): Promise<MachineTree>;
  /** Where a device was built in, in order. */
  history(part: Hex): Promise<PartChange[]>;
  /**
   * The whole machine as it was last put together, whether the links still hold or ended with a hand-over or a new key;
   * without parts that were taken out, or built into something else since.
   */
  lastTree(machine: Hex): Promise<MachineTree>;
  /**
   * Offers a machine and everything in it to another organisation: one offer for each device, because each changes hands
   * by itself. Answers the devices, the machine first. Sender: a device manager of the owner.
   */
  offer(machine: Hex, to: number, until: number): Promise<Hex[]>;
  /**
   * Takes over a machine and everything in it that was offered, then puts it together again. May be run again
   * when it broke off. Sender: a device manager of the organisation it was offered to.
   */
  takeOver(machine: Hex): Promise<TakenMachine>;
  /**
   * Builds in again what was in the machine last and belongs to the same owner now: after a hand-over or a new key.
   * Answers what it attached; nothing when all is in place. Sender: a device manager of the owner.
   */
  reassemble(machine: Hex): Promise<PartChange[]>;
}

export interface TakenMachine {
  /** Devices that this run took over. */
  readonly accepted: readonly Hex[];
  readonly attached: readonly PartChange[];
  /** Parts of the machine that the new owner has not got: they were not offered. */
  readonly missing: readonly Hex[];
}

const abi = IDeviceComposition__factory.createInterface();
const kinds = { PartAttached: "attached", PartDetached: "detached", PartPruned: "pruned" } as const;

export function machinesOf(connection: Connection, deployment: Deployment): Machines {
  return new Composition(connection, deployment);
}

class Composition implements Machines {
  readonly #connection: Connection;
  readonly #deployment: Deployment;
  readonly #address: string;

  constructor(connection: Connection, deployment: Deployment) {
    this.#connection = connection;
    this.#deployment = deployment;
    this.#address = addressOf(deployment, "DeviceComposition");
  }

  attach(machine: Hex, parts: readonly Hex[]): Operation<PartChange[]> {
    return this.#call("attachParts", [checkedId(machine), parts.map(checkedId)], changesIn);
  }

  move(machine: Hex, parts: readonly Hex[]): Operation<PartChange[]> {
    return this.#call("moveParts", [checkedId(machine), parts.map(checkedId)], changesIn);
  }

  detach(parts: readonly Hex[]): Operation<PartChange[]> {
    return this.#call("detachParts", [parts.map(checkedId)], changesIn);
  }

  prune(part: Hex): Operation<PartChange> {
    return this.#call("prune", [checkedId(part)], (logs) => changesIn(logs)[0]!);
  }

  async machineOf(part: Hex): Promise<Hex | undefined> {
    const machine = await withTypedErrors(() => this.#contract.machineOf(checkedId(part)));
    return BigInt(machine) === 0n ? undefined : (machine as Hex);
  }

  async rootOf(device: Hex): Promise<Hex> {
    return (await withTypedErrors(() => this.#contract.rootOf(checkedId(device)))) as Hex;
  }

  isPartOf(device: Hex, machine: Hex): Promise<boolean> {
    return withTypedErrors(() => this.#contract.isPartOf(checkedId(device), checkedId(machine)));
  }

  async parts(machine: Hex): Promise<Hex[]> {
    const last = await this.#lastParts(machine);
    const now = await Promise.all(last.map((part) => this.machineOf(part)));
    return last.filter((_, i) => now[i] === checkedId(machine));
  }

  tree(machine: Hex): Promise<MachineTree> {
    return treeOf(checkedId(machine), (device) => this.parts(device));
  }

  lastTree(machine: Hex): Promise<MachineTree> {
    return treeOf(checkedId(machine), (device) => this.#lastParts(device));
  }

  async history(part: Hex): Promise<PartChange[]> {
    return this.#find([checkedId(part)]);
  }

  async offer(machine: Hex, to: number, until: number): Promise<Hex[]> {
    const devices = devicesIn(await this.tree(machine));
    for (const device of devices) await this.#ownership.offer(device, to, until).wait();
    return devices;
  }

  async takeOver(machine: Hex): Promise<TakenMachine> {
    const ownership = this.#ownership;
    const signer = await this.#connection.signer();
    const organisation = await ownership.organisationOf(await signer.getAddress());
    const devices = devicesIn(await this.lastTree(machine));
    const accepted: Hex[] = [];
    const missing: Hex[] = [];
    for (const device of devices) {
      if ((await this.#ownerOf(device)) === organisation) continue;
      const offered = await ownership.offerOf(device);
      // The machine itself must be had: its refusal says why it is not.
      if (offered?.to !== organisation && device !== checkedId(machine)) missing.push(device);
      else accepted.push((await ownership.acceptOffer(device).wait()).id);
    }
    return { accepted, attached: await this.reassemble(machine), missing };
  }

  async reassemble(machine: Hex): Promise<PartChange[]> {
    const owner = await this.#ownerOf(checkedId(machine));
    const changes: PartChange[] = [];
    const build = async ({ device, parts }: MachineTree): Promise<void> => {
      const loose: Hex[] = [];
      const own: MachineTree[] = [];
      for (const part of parts) {
        if ((await this.#ownerOf(part.device)) !== owner) continue;
        const now = await this.machineOf(part.device);
        if (now === undefined) loose.push(part.device);
        if (now === undefined || now === device) own.push(part);
      }
      if (loose.length > 0) {
        const done = await this.attach(device, loose).wait();
        changes.push(...done.filter(({ kind }) => kind === "attached"));
      }
      for (const part of own) await build(part);
    };
    await build(await this.lastTree(machine));
    return changes;
  }

  get #contract() {
    return IDeviceComposition__factory.connect(this.#address, this.#connection.provider);
  }

  get #registry() {
    return registryOf(this.#connection, this.#deployment);
  }

  get #ownership() {
    return ownershipOf(this.#registry);
  }

  /** Number of the organisation that holds a device; 0 for an unknown one. */
  async #ownerOf(device: Hex): Promise<number> {
    return Number((await this.#registry.contract.record(device)).org);
  }

  /** Parts whose last way in was into this machine, and that nobody took out since. */
  async #lastParts(machine: Hex): Promise<Hex[]> {
    const attached = await this.#find([null, checkedId(machine)], ["PartAttached"]);
    const candidates = [...new Set(attached.map(({ part }) => part))];
    const last = await Promise.all(
      candidates.map(async (part) =>
        (await this.#find([part])).filter(({ kind }) => kind !== "pruned").at(-1),
      ),
    );
    return candidates.filter(
      (_, i) => last[i]?.kind === "attached" && last[i].machine === checkedId(machine),
    );
  }

  async #find(
    args: readonly unknown[],
    events: readonly (keyof typeof kinds)[] = ["PartAttached", "PartDetached", "PartPruned"],
  ): Promise<PartChange[]> {
    const { provider } = this.#connection;
    const fromBlock = this.#deployment.contracts.DeviceComposition.block;
    const found = await Promise.all(
      events.map((event) => findEvents(provider, { address: this.#address, abi, event, args, fromBlock })),
    );
    return found.flat().map(partChange).sort(inOrder);
  }

  #call<T>(
    method: "attachParts" | "moveParts" | "detachParts" | "prune",
    args: unknown[],
    decode: (logs: Log[]) => T,
  ) {
    const data = abi.encodeFunctionData(method as "attachParts", args as never);
    return operation(this.#connection, { to: this.#address, data }, decode);
  }
}

async function treeOf(device: Hex, partsOf: (device: Hex) => Promise<Hex[]>): Promise<MachineTree> {
  const parts: MachineTree[] = [];
  for (const part of await partsOf(device)) parts.push(await treeOf(part, partsOf));
  return { device, parts };
}

function devicesIn({ device, parts }: MachineTree): Hex[] {
  return [device, ...parts.flatMap(devicesIn)];
}

function changesIn(logs: readonly Log[]): PartChange[] {
  return Object.keys(kinds)
    .flatMap((name) => eventsIn(logs, abi, name))
    .map(partChange)
    .sort(inOrder);
}

function partChange({ event, at }: FoundEvent): PartChange {
  const { part, machine, by } = event.args;
  return { kind: kinds[event.name as keyof typeof kinds], part, machine, by, at };
}

function inOrder(a: PartChange, b: PartChange): number {
  return a.at.block - b.at.block || a.at.logIndex - b.at.logIndex;
}
