import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TenonError } from "../errors.js";
import { activationFrom, factoryListFrom, voucherFrom } from "./forms.js";
import { type Activation, type FactoryList, ListTree, verifyActivation } from "./list.js";
import type { DeviceVoucher } from "./voucher.js";

/** Writes a list to one file, a device a line. It holds the parameters in clear: give it to who may know them. */
export function writeFactoryList(path: string, list: FactoryList): void {
  const { devices, ...head } = list;
  const lines = devices.map((device) => JSON.stringify(device)).join(",\n");
  const text = `${JSON.stringify(head).slice(0, -1)},"devices":[\n${lines}\n]}\n`;
  writeNew(path, text);
}

/** Reads a list and builds its tree, which shows that its devices are the root's. Throws also `ListRootMismatch`. */
export function readFactoryList(path: string): ListTree {
  return ListTree.of(factoryListFrom(parsed(path)));
}

/** Writes one activation a device, `<dir>/<device id>.json`. Returns how many there are. */
export function writeActivations(dir: string, tree: ListTree): number {
  mkdirSync(dir, { recursive: true });
  for (const activation of tree.activations()) {
    writeNew(join(dir, `${activation.id.slice(2)}.json`), `${JSON.stringify(activation)}\n`);
  }
  return tree.list.count;
}

/** Reads an activation and checks it. Throws `FileUnusable`, `FormInvalid`, `ActivationInvalid`. */
export function readActivation(path: string): Activation {
  const activation = activationFrom(parsed(path));
  verifyActivation(activation);
  return activation;
}

/** Reads a maker's voucher. The registry checks the signature. Throws `FileUnusable`, `FormInvalid`. */
export function readVoucher(path: string): DeviceVoucher {
  return voucherFrom(parsed(path));
}

/** What a JSON file of Tenon's says it is; undefined for any other JSON. Throws `FileUnusable`. */
export function formatOf(path: string): string | undefined {
  return (parsed(path) as { format?: string } | null)?.format;
}

/** The JSON in a file. Throws `FileUnusable`. */
export function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new TenonError("FileUnusable", "The file cannot be used", {
      args: { path, reason: (cause as Error).message },
      remedy: "Give a JSON file that Tenon wrote.",
      cause,
    });
  }
}

/** Writes a file that is not there yet. Throws `FileNotWritten`. */
export function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (cause) {
    throw new TenonError("FileNotWritten", "The file cannot be written", {
      args: { path, reason: (cause as Error).message },
      remedy: "Name another one: what is there is not overwritten.",
      cause,
    });
  }
}
