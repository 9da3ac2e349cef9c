import { readFileSync } from "node:fs";
import type { Bundle, Manifest } from "../../../besu-network/bundle/manifest.js";
import { type NodeCard, withNode, withoutNode } from "../../../besu-network/govern/card.js";
import { OwnNodes, readValidators } from "../../../besu-network/govern/chain.js";
import { applyLists } from "../../../besu-network/govern/lists.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { bundleAt, dirGiven } from "../bundle.js";
import { listLines, othersOf } from "../change.js";

interface AllowArguments {
  card: string;
  remove: boolean;
  dir: string | undefined;
}

export default async ({ card, remove, dir }: AllowArguments): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(dir);
    using own = await OwnNodes.open(bundle);
    const manifest = remove ? await without(bundle, own, card) : withNode(bundle, readCard(card));
    const known = manifest === bundle.manifest;
    const outcomes = await applyLists(bundle, manifest, own);
    const name = remove ? card : readCard(card).node.name;
    console.log(`${name} ${remove ? "is off the list" : known ? "was on the list" : "is on the list"}.`);
    for (const line of listLines(outcomes)) console.log(line);
    if (remove) {
      const others = othersOf(bundle);
      if (others.length > 0) console.log(`${others.join(", ")} run the same, each with its own --dir.`);
    } else if (manifest.nodes.find((node) => node.name === name)?.role === "validator") {
      console.log("To vote for it as a validator, when it runs:");
      console.log(`  npx hardhat network add-validator --node ${name}${dirGiven(bundle)}`);
    }
  });

async function without(bundle: Bundle, own: OwnNodes, name: string): Promise<Manifest> {
  const { ipc } = await own.best();
  return withoutNode(bundle, name, await readValidators(ipc));
}

function readCard(path: string): NodeCard {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as NodeCard;
  } catch (cause) {
    throw new TenonError("CardUnreadable", "The card of the node cannot be read", {
      args: { file: path, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Give the file that npx hardhat network add-validator wrote at the node's holder.",
      cause,
    });
  }
}
