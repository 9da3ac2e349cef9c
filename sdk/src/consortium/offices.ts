import { Contract, Interface, type Log, type TransactionReceipt } from "ethers";
import { addressOf, type Deployment } from "../deployment.js";
import { abis } from "../generated/abis.js";
import { eventIn } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";

/** Where an act of an office stands for the client's signer. Times in seconds since 1970. */
export type Standing =
  | { readonly state: "refused" }
  | { readonly state: "at once" }
  /** It must be announced first, and can be done `delay` seconds later. */
  | { readonly state: "unannounced"; readonly delay: number }
  | { readonly state: "waiting"; readonly readyAt: number }
  /** Announced and due; it can be done before `until`. */
  | { readonly state: "ready"; readonly until: number };

/** What `proceed` came to: the result, or the second from which on the act can be done. */
export type Proceeded<T> =
  | { readonly done: true; readonly result: T }
  | { readonly done: false; readonly readyAt: number };

/**
 * An act of an office (registrar, guardian, administrator), which may have to be announced some time before. As an
 * ordinary operation it is refused until then (`AccessManagerNotScheduled`, `AccessManagerNotReady`).
 */
export interface OfficeOperation<T> extends Operation<T> {
  /** Where it stands for the client's signer. */
  standing(): Promise<Standing>;
  /**
   * Does what is due in one call: the act itself when nothing stands against it, else its announcement. Call it again
   * for the same act when its time has come.
   */
  proceed(): Promise<Proceeded<T>>;
  /** Announces it; the result is the second from which on it can be done. */
  announce(): Operation<number>;
  /** Takes the announcement back. Sender: who announced it, or the guardian of its office. */
  withdraw(announcedBy: string): Operation<void>;
}

/** How long an announced act may be done once it is due (OpenZeppelin's AccessManager), seconds. */
const OPEN_FOR = 7 * 86_400;

const managerAbi = new Interface(abis.AccessManager);

/** Makes operations of an office out of calls of one contract. */
export function officeOf(connection: Connection, deployment: Deployment) {
  const { provider } = connection;
  const address = addressOf(deployment, "AccessManager");
  const manager = new Contract(address, managerAbi, provider);
  const managerCall = <T>(method: string, args: unknown[], decode: (logs: Log[]) => T) =>
    operation(connection, { to: address, data: managerAbi.encodeFunctionData(method, args) }, decode);

  return <T>(
    call: { readonly to: string; readonly data: string },
    decode: (logs: Log[], receipt: TransactionReceipt) => T,
  ): OfficeOperation<T> => {
    const act = operation(connection, call, decode);

    const standing = async (): Promise<Standing> => {
      const caller = await (await connection.signer()).getAddress();
      const [immediate, delay] = await manager.getFunction("canCall")(
        caller,
        call.to,
        call.data.slice(0, 10),
      );
      if (immediate) return { state: "at once" };
      if (delay === 0n) return { state: "refused" };
      const id = await manager.getFunction("hashOperation")(caller, call.to, call.data);
      const readyAt = Number(await manager.getFunction("getSchedule")(id));
      if (readyAt === 0) return { state: "unannounced", delay: Number(delay) };
      const { timestamp } = (await provider.getBlock("latest"))!;
      if (timestamp < readyAt) return { state: "waiting", readyAt };
      return { state: "ready", until: readyAt + OPEN_FOR };
    };

    const announce = () =>
      managerCall("schedule", [call.to, call.data, 0], (logs) =>
        Number(eventIn(logs, managerAbi, "OperationScheduled").event.args.schedule),
      );

    return {
      ...act,
      standing,
      announce,
      proceed: async () => {
        const now = await standing();
        if (now.state === "unannounced") return { done: false, readyAt: await announce().wait() };
        if (now.state === "waiting") return { done: false, readyAt: now.readyAt };
        return { done: true, result: await act.wait() };
      },
      withdraw: (announcedBy) => managerCall("cancel", [announcedBy, call.to, call.data], () => undefined),
    };
  };
}
