import { randomBytes } from "node:crypto";
import { toHex } from "../bytes.js";
import { CHALLENGE_LENGTH } from "./messages.js";

/** How long a challenge can be answered, and how many may be open. */
const LIFE_MS = 60_000;
const MAX_OPEN = 64;

/** The challenges that a device gave and that nobody has answered yet. They are in memory only: a restart ends them all. */
export class Challenges {
  readonly #uptime: () => number;
  /** By their hex, with when they were given. */
  readonly #open = new Map<string, number>();

  /** @param uptime Milliseconds, never falling. */
  constructor(uptime: () => number) {
    this.#uptime = uptime;
  }

  /** A fresh one; where too many are open, the oldest goes. */
  give(): Uint8Array {
    const challenge = new Uint8Array(randomBytes(CHALLENGE_LENGTH));
    this.#open.set(toHex(challenge), this.#uptime());
    if (this.#open.size > MAX_OPEN) {
      const [oldest] = this.#open.keys();
      this.#open.delete(oldest!);
    }
    return challenge;
  }

  /** Whether it is open. It counts once, whatever comes of it. */
  take(challenge: Uint8Array): boolean {
    const name = toHex(challenge);
    const given = this.#open.get(name);
    this.#open.delete(name);
    return given !== undefined && this.#uptime() - given <= LIFE_MS;
  }

  clear(): void {
    this.#open.clear();
  }
}
