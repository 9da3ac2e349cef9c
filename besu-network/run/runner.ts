import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, type NodeEntry, ownNodes } from "../bundle/manifest.js";
import { DockerRunner } from "./docker.js";
import { LocalRunner } from "./local.js";

/**
 * Runs the nodes whose keys a bundle holds. Names are those of the manifest; left out, all of the bundle's own nodes
 * are meant. Throws `NodeNotOwn` for another organisation's or an unknown node.
 */
export interface Runner {
  /** Whether this machine can run the nodes, and with which Besu; throws what is missing and how to get it. */
  check(): Promise<string>;
  /**
   * Starts what does not run and waits until each answers on its admin socket; running nodes are left alone. Each name is
   * told to `started` when it answers. Throws `PortInUse`, `NodeDied` with the reason out of its log, `NodeSilent`.
   */
  start(names?: readonly string[], started?: (name: string) => void): Promise<void>;
  /** Stops gracefully and waits for the end; data stays. Throws `NodeStopping` when one needs over a minute. */
  stop(names?: readonly string[]): Promise<void>;
  /** Stops the bundle's own nodes and deletes the chain they hold; keys, genesis and lists stay. */
  erase(): Promise<void>;
  /** Kills the process at once, as a power cut would: for trying faults. */
  kill(name: string): Promise<void>;
  /** The bundle's own nodes whose process or container is there. */
  running(): Promise<Set<string>>;
  /** The last lines of a node's log (200 unless told), oldest first. */
  logs(name: string, lines?: number): Promise<string[]>;
  /** Tells each new line of the logs until `signal` ends it. */
  follow(
    names: readonly string[],
    line: (name: string, text: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** The runner for the mode that the bundle was made for. Finds nothing yet: `check` and `start` do. */
export async function runnerOf(bundle: Bundle): Promise<Runner> {
  return bundle.manifest.mode === "docker" ? new DockerRunner(bundle) : new LocalRunner(bundle);
}

/** The entries of `names`, or of all own nodes. Throws `NodeNotOwn`. */
export function chosenNodes(bundle: Bundle, names?: readonly string[]): NodeEntry[] {
  const own = ownNodes(bundle);
  if (names === undefined) return own;
  return names.map((name) => {
    const found = own.find((node) => node.name === name);
    if (found !== undefined) return found;
    throw new TenonError("NodeNotOwn", "This bundle holds no key of such a node", {
      args: { node: name, own: own.map((node) => node.name).join(", ") || "none" },
      remedy: "Name one of its own nodes; another organisation's nodes are run from that one's bundle.",
    });
  });
}
