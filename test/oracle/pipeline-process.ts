/**
 * The data path as a process of its own, to be killed: `pipeline-process.ts <folder> <broker url>`. The registry is
 * the `devices` table of the folder's state database.
 */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { toHex } from "@tenon/sdk/bytes";
import { Pipeline } from "../../oracle/src/ingest/pipeline.js";
import { openState } from "../../oracle/src/state/db.js";
import type { DirectoryEntry } from "../../oracle/src/state/types.js";
import { ORACLE, pipelineOptions } from "./support.js";

const [folder, url] = process.argv.slice(2) as [string, string];
const db = openState(`${folder}/state.db`);
const entries = new Map<string, DirectoryEntry>();
for (const row of db.prepare("SELECT * FROM devices").all()) {
  const [id, x, y] = [row.id, row.x, row.y].map((part) => toHex(part as Uint8Array)) as [
    string,
    `0x${string}`,
    `0x${string}`,
  ];
  entries.set(id, {
    num: row.num as number,
    key: { curve: row.curve as 1 | 8, x, y },
    keyEpoch: 1,
    status: "active",
    epoch: 1,
  });
}

const pipeline = new Pipeline(
  pipelineOptions({
    logDir: `${folder}/log`,
    db,
    directory: { get: (id) => entries.get(id) },
    receiptKey: createPrivateKey(readFileSync(`${folder}/receipt-key.pem`)),
    broker: { url, ...ORACLE },
    batch: { intervalMs: 20 },
    segmentBytes: 32_768,
    commitSize: 20,
  }),
);
await pipeline.start();
process.stdout.write("ready\n");
process.once("SIGTERM", () => {
  void pipeline.stop().then(() => process.exit(0));
});
