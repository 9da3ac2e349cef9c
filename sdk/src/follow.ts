import type { EventFilter, Log, Subscriber } from "ethers";
import type { RpcConnection } from "./connection.js";
import { logsBetween } from "./logs.js";

/** Something that is followed until it is stopped. */
export interface Following {
  /** Ends it; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export interface FollowLogsOptions {
  /** Which logs: one contract's, by topics as in `eth_getLogs`. */
  filter: { address: string; topics?: (string | string[] | null)[] };
  /** The first block that the caller has not read yet. */
  fromBlock: number;
  /**
   * Takes the logs of the blocks after those of the last call, in order, up to block `upTo`, which is there even when
   * there are none. When it throws, the same blocks come again. A caller that stores `upTo` together with what it made
   * of the logs, and starts from the block after it, misses nothing and sees nothing twice.
   */
  onLogs(logs: Log[], upTo: number): void | Promise<void>;
  /** Told what a look failed with; the next look asks for the same blocks again. */
  onError?(error: unknown): void;
}

/** Blocks asked for at once while catching up. */
const PIECE = 5_000;

/**
 * Logs of a contract, without a gap: every look asks for all blocks from the caller's cursor to the head, so that
 * nothing is lost with a connection. Looks at once when a node announces a head (WebSocket), else by asking.
 */
export function followLogs(connection: RpcConnection, options: FollowLogsOptions): Following {
  let next = options.fromBlock;
  const filter = { address: options.filter.address, topics: options.filter.topics ?? [] };
  const onHead = async (head: number) => {
    while (next <= head) {
      const upTo = Math.min(head, next + PIECE - 1);
      await options.onLogs(await logsBetween(connection, filter, next, upTo), upTo);
      next = upTo + 1;
    }
  };
  return followHead(connection, onHead, options.onError);
}

/**
 * Tells of every head that is newer than the last one. The next look waits for `onHead`; one that failed is told the
 * same or a newer head again.
 */
export function followHead(
  connection: RpcConnection,
  onHead: (number: number) => void | Promise<void>,
  onError: (error: unknown) => void = () => {},
): Following {
  let last = -1;
  let stopped = false;
  let wake = () => {};
  let announced = false;
  const silence = connection.onAnnounced(() => {
    announced = true;
    wake();
  });
  const look = async () => {
    // The block itself, not its number: a number is announced a little before the block can be read.
    const number = (await connection.getBlock("latest"))?.number ?? -1;
    if (number <= last || stopped) return;
    await onHead(number);
    last = number;
  };
  const run = async () => {
    while (!stopped) {
      announced = false;
      await look().catch(onError);
      if (announced || stopped) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, connection.pollingInterval);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = run();
  return {
    stop: () => {
      stopped = true;
      silence();
      wake();
      return running;
    },
  };
}

/** What stands behind `provider.on("block", …)` and `contract.on(…)`: begins with the next block, and leaves none out. */
export class FollowingSubscriber implements Subscriber {
  readonly #begin: () => Following;
  #following: Following | undefined;

  constructor(begin: () => Following) {
    this.#begin = begin;
  }

  static ofBlocks(connection: RpcConnection): FollowingSubscriber {
    let last: number | undefined;
    return new FollowingSubscriber(() =>
      followHead(connection, async (head) => {
        for (let number = (last ?? head) + 1; number <= head; number++)
          await connection.emit("block", number);
        last = head;
      }),
    );
  }

  static ofLogs(connection: RpcConnection, filter: EventFilter): FollowingSubscriber {
    let last: number | undefined;
    return new FollowingSubscriber(() =>
      followHead(connection, async (head) => {
        last ??= head;
        if (head === last) return;
        const logs = await logsBetween(connection, filter, last + 1, head);
        last = head;
        for (const log of logs) await connection.emit(filter, log);
      }),
    );
  }

  start(): void {
    this.#following ??= this.#begin();
  }

  stop(): void {
    void this.#following?.stop();
    this.#following = undefined;
  }

  pause(): void {
    this.stop();
  }

  resume(): void {
    this.start();
  }
}
