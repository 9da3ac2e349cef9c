import { ownNodes } from "../../../besu-network/bundle/manifest.js";
import { chosenNodes, runnerOf } from "../../../besu-network/run/runner.js";
import { wholeNumber } from "../../options.js";
import { answering } from "../../run.js";
import { bundleAt } from "../bundle.js";

interface LogsArguments {
  dir: string | undefined;
  node: string | undefined;
  lines: string | undefined;
  follow: boolean;
}

export default async ({ dir, node, lines, follow }: LogsArguments): Promise<void> =>
  answering(async () => {
    const count = wholeNumber("lines", lines) ?? 50;
    const bundle = bundleAt(dir);
    const runner = await runnerOf(bundle);
    const nodes = node === undefined ? ownNodes(bundle) : chosenNodes(bundle, [node]);
    const names = nodes.map(({ name }) => name);
    const width = Math.max(...names.map((name) => name.length));
    const say = (name: string, text: string) =>
      console.log(names.length === 1 ? text : `${name.padEnd(width)}  ${text}`);
    const ending = new AbortController();
    process.once("SIGINT", () => ending.abort());
    for (const name of names) for (const text of await runner.logs(name, count)) say(name, text);
    if (follow) await runner.follow(names, say, ending.signal);
  });
