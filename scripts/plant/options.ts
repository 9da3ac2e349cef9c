import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { TenonError } from "@tenon/sdk";

export const help = `A plant in a box: a chain, a broker, an oracle and twelve machines on this computer.

  npm start                             all twelve machines are simulated
  npm start -- --data FILE [--speed N]  one replays FILE (timestamp,value), N times faster than it happened
  npm start -- --once                   ends by itself; exit code 0 only if every proof and the payment held
  npm start -- --state DIR              keep everything in DIR, and go on from there next time
  npm start -- --network DIR            on the Besu network of that bundle, which runs (npx hardhat network up)

Without --state each start begins anew, in a folder of its own under .tenon/.`;

export interface PlantOptions {
  data: string | undefined;
  /** How many times faster than its own clock the data is replayed. */
  speed: number;
  once: boolean;
  state: string;
  /** Bundle of the Besu network to run on; without it the plant starts a chain of its own. */
  network: string | undefined;
}

/** An hour in 60 milliseconds: the 79 days of the machine data pass in under two minutes. */
const DEFAULT_SPEED = 60_000;

export function plantOptions(argv: string[]): PlantOptions | "help" {
  const { values } = parse(argv);
  if (values.help) return "help";
  const speed = values.speed === undefined ? DEFAULT_SPEED : Number(values.speed);
  if (!(speed > 0 && Number.isFinite(speed))) {
    throw new TenonError("OptionInvalid", "--speed is not a positive number", {
      args: { speed: values.speed },
      remedy: "1 replays in real time, 60000 an hour in 60 milliseconds.",
    });
  }
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const state = resolve(values.state ?? `.tenon/${stamp}-${process.pid}`);
  makeFolders(state);
  const { once, network } = values;
  return { data: values.data && resolve(values.data), speed, once, state, network };
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        data: { type: "string" },
        speed: { type: "string" },
        state: { type: "string" },
        network: { type: "string" },
        once: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (cause) {
    throw new TenonError("OptionInvalid", (cause as Error).message, { remedy: "npm start -- --help" });
  }
}

function makeFolders(state: string): void {
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    for (const folder of ["logs", "keys", "machines"]) {
      mkdirSync(`${state}/${folder}`, { recursive: true, mode: 0o700 });
    }
  } catch (cause) {
    throw new TenonError("StateUnusable", "The state folder cannot be made or written", {
      args: { state, reason: (cause as NodeJS.ErrnoException).code },
      remedy: "Give --state a folder of your own; it is made if it is not there.",
      cause,
    });
  }
}
