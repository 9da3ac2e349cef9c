import { TenonError } from "@tenon/sdk";
import { readCsv } from "@tenon/sdk/device";
import { help, plantOptions } from "./plant/options.js";
import { Plant } from "./plant/plant.js";
import { tellStory } from "./plant/story.js";

/** `--once` ends by itself within this time, whatever happens; a network of several nodes may take longer. */
const ONCE_LIMIT_MS = { own: 290_000, network: 590_000 };

async function main(): Promise<number> {
  const options = plantOptions(process.argv.slice(2));
  if (options === "help") {
    console.log(help);
    return 0;
  }
  if (options.data !== undefined) await requireReadable(options.data);
  const plant = new Plant(options);
  let interrupted = false;
  const stopped = new Promise<void>((resolve) => {
    const stop = () => {
      // One Ctrl-C comes more than once: from the terminal, and from the processes above that pass it on.
      if (interrupted) return;
      interrupted = true;
      plant.view.say("\nStopping: machines, oracle, broker, chain …");
      resolve();
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
    // A closed terminal must not keep the services from being stopped.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  });
  const limit = options.once
    ? setTimeout(
        () => fail(plant, new TenonError("TimeLimit", "The plant did not end in time")),
        ONCE_LIMIT_MS[options.network === undefined ? "own" : "network"],
      )
    : undefined;
  try {
    await plant.start();
    const story = tellStory(plant);
    await Promise.race([story, stopped]);
    if (!interrupted && !options.once) await stopped;
    return options.once && interrupted ? 130 : 0;
  } finally {
    clearTimeout(limit);
    await plant.stop();
  }
}

/** Reads the whole file before anything is started: a bad line is named now and not in the middle of the replay. */
async function requireReadable(path: string): Promise<void> {
  let rows = 0;
  for await (const _row of readCsv(path)) rows++;
  if (rows > 0) return;
  throw new TenonError("CsvEmpty", "The data file has no rows", {
    args: { path },
    remedy: "It needs the header timestamp,value and at least one row.",
  });
}

function fail(plant: Plant, error: unknown): void {
  plant.view.end();
  console.error(error instanceof TenonError ? error.message : error);
  void plant.stop().finally(() => process.exit(1));
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof TenonError ? `\n${error.message}` : error);
    process.exit(1);
  },
);
