import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type Bundle, layout, openBundle } from "../../besu-network/bundle/manifest.js";
import { optional } from "../options.js";

/** Where `network create` puts a network unless told otherwise. */
const DEFAULT_FOLDER = "network";

export const dirOption = optional(
  "dir",
  "Folder of the network (unless given, this folder when it is one, else network/)",
);

/** The bundle that a command works on. Throws `BundleMissing` or `BundleUnreadable`. */
export function bundleAt(dir: string | undefined): Bundle {
  const here = existsSync(join(process.cwd(), layout.manifest)) ? "." : DEFAULT_FOLDER;
  return openBundle(resolve(dir ?? here));
}

/** ` --dir DIR` as it is to be typed from here to mean this bundle; empty when it may be left out. */
export function dirGiven(bundle: Bundle): string {
  const path = relative("", bundle.dir);
  if (path === "" || path === DEFAULT_FOLDER) return "";
  return ` --dir ${path.startsWith("..") ? bundle.dir : path}`;
}
