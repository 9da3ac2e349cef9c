import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { CONTAINER_DATA } from "../bundle/config.js";
import { type Bundle, layout } from "../bundle/manifest.js";
import { docker, requireDocker } from "../run/docker.js";
import type { BackupHead } from "./archive.js";

/**
 * For the time of `work` a stopped container's data is in the node's folder too, where a process would have it: no
 * backup reaches into a volume.
 */
export async function withVolumeData<T>({ dir }: Bundle, name: string, work: () => Promise<T>): Promise<T> {
  const data = layout.data(name);
  if (existsSync(join(dir, data))) {
    throw new TenonError("BackupLeftover", "A backup that broke off left a copy of the node's data behind", {
      args: { path: join(dir, data) },
      remedy: "Delete it: the data is in the container's volume.",
    });
  }
  try {
    await docker(["compose", "cp", `${name}:${CONTAINER_DATA}/.`, data], dir);
    return await work();
  } finally {
    rmSync(join(dir, data), { recursive: true, force: true });
  }
}

/** Refuses a node whose volume is there: a restore would go over what it holds. */
export async function requireNoVolume({ organisation, chainId, node }: BackupHead): Promise<void> {
  await requireDocker();
  const volume = `tenon-${organisation}-${chainId}_${node}-data`;
  const { stdout } = await docker(["volume", "ls", "--quiet"], ".");
  if (!stdout.split("\n").includes(volume)) return;
  throw new TenonError(
    "RestoreOverwrites",
    "The node's volume is there already: a restore overwrites nothing",
    {
      args: { node, volume },
      remedy: `If what it holds is lost anyway: docker compose rm ${node}, docker volume rm ${volume}, then restore.`,
    },
  );
}

/** Moves restored data from the node's folder into a new volume. */
export async function intoVolume({ dir }: Bundle, name: string): Promise<void> {
  await docker(["compose", "create", name], dir);
  // With its owner, as whom the container runs Besu.
  await docker(["compose", "cp", "--archive", `${layout.data(name)}/.`, `${name}:${CONTAINER_DATA}`], dir);
  rmSync(join(dir, layout.data(name)), { recursive: true });
}
