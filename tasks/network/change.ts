import { basename, relative } from "node:path";
import type { Bundle, NodeEntry } from "../../besu-network/bundle/manifest.js";
import { cardPath } from "../../besu-network/govern/card.js";
import type { ChangeEnd, ChangeStep, Told } from "../../besu-network/govern/change.js";
import type { ListOutcome } from "../../besu-network/govern/lists.js";
import { dirGiven } from "./bundle.js";

/** Prints a guided change while it goes on. */
export function tellChange(bundle: Bundle): Told {
  return (step) => {
    for (const line of linesOf(bundle, step)) console.log(line);
  };
}

function linesOf(bundle: Bundle, told: ChangeStep): string[] {
  switch (told.step) {
    case "made": {
      const { name, address } = told.node;
      if (!told.made) return [];
      return [
        `Made ${name}, ${address}: its key exists only in this folder.`,
        ...handOver(bundle, told.node),
      ];
    }
    case "listed":
      return told.outcomes.every(({ state }) => state === "same") ? [] : listLines(told.outcomes);
    case "started":
      return [`${told.node.name} runs.`];
    case "syncing": {
      const { block, head } = told;
      return [block === null ? "  waiting for a peer" : `  at block ${block} of ${head}`];
    }
    case "voting": {
      const { state, view, node, add } = told;
      if (state.changed) return [`  block ${state.block}: the votes are enough`];
      const by = state.voters.map(view.nameOf).join(", ") || "nobody yet";
      const what = `${node.name} ${add ? "in" : "out"}`;
      return [`  block ${state.block}: ${state.voters.length} of ${state.needed} votes for ${what}: ${by}`];
    }
    case "changed":
      return [
        `Since block ${told.block} ${told.node.name} is ${told.add ? "a" : "no"} validator; there are ${told.validators}.`,
      ];
  }
}

/** What the other organisations do so that their nodes talk with a new one of ours. */
function handOver(bundle: Bundle, node: NodeEntry): string[] {
  const others = othersOf(bundle);
  if (others.length === 0 || node.organisation !== bundle.manifest.organisation) return [];
  const card = cardPath(bundle, node);
  const away = relative("", card).startsWith("..");
  return [
    `Give ${away ? card : relative("", card)} to ${others.join(", ")}; each runs, with its own --dir,`,
    `  npx hardhat network allow-node ${basename(card)}`,
  ];
}

/** How the change ended for now, and who must do what before it goes on. */
export function tellEnd(bundle: Bundle, command: string, node: NodeEntry, end: ChangeEnd): void {
  const again = `  npx hardhat network ${command}`;
  if (end.end === "waiting") {
    const missing = Map.groupBy(
      bundle.manifest.nodes.filter(({ address }) => end.state.missing.includes(address)),
      ({ organisation }) => organisation,
    );
    const { voters, needed } = end.state;
    console.log(`${voters.length} of ${needed} votes are in; ${needed - voters.length} more must come from:`);
    for (const [organisation, nodes] of missing) {
      console.log(`  ${organisation} (${nodes.map(({ name }) => name).join(", ")})`);
    }
    console.log(`Each runs, with its own --dir,\n${again}`);
    console.log(`Afterwards run it here once more, to take your votes back:\n${again}${dirGiven(bundle)}`);
  } else if (end.end === "unreached") {
    console.log(`${node.name} is not connected yet.`);
    for (const line of handOver(bundle, node)) console.log(line);
    console.log("Then go on with");
    console.log(again + dirGiven(bundle));
  } else if (end.end === "completed") {
    console.log("The change had come about already; your votes are taken back and the manifest says so.");
  }
}

/** What became of a list at each own node. */
export function listLines(outcomes: ListOutcome[]): string[] {
  const words = {
    changed: "take it at once",
    same: "had it already",
    later: "do not run and read it when they start",
    restart: "run without a list of accounts and keep it only after a restart (network down, network up)",
  };
  return [...Map.groupBy(outcomes, ({ state }) => state)].map(
    ([state, of]) => `  ${of.map(({ node }) => node).join(", ")} ${words[state]}`,
  );
}

/** The other organisations of the network. */
export function othersOf({ manifest }: Bundle): string[] {
  const all = new Set(manifest.nodes.map(({ organisation }) => organisation));
  all.delete(manifest.organisation);
  return [...all];
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
