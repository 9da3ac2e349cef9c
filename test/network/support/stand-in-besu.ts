import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A program in the place of besu, for what runs processes: it prints a version, and with a config file it answers a
 * socket `besu.ipc` where it stands, one block more at every question. `die` makes it log that and end.
 */
const PROGRAM = `
const { createServer } = require("node:net");
const { mkdirSync, writeFileSync } = require("node:fs");
const settings = JSON.parse(process.env.STAND_IN ?? "{}");
const version = settings.version ?? "26.9.0";
if (process.argv.includes("--version")) {
  console.log("besu/v" + version + "/linux-x86_64/openjdk-java-25");
} else if (settings.die !== undefined) {
  console.log(settings.die);
  process.exit(1);
} else {
  mkdirSync("data", { recursive: true });
  writeFileSync("data/CURRENT", "a chain");
  writeFileSync("environment.json", JSON.stringify(process.env));
  let height = 0;
  const answers = {
    web3_clientVersion: () => "besu/v" + version + "/linux-x86_64/openjdk-java-25",
    eth_blockNumber: () => "0x" + (settings.stands ? 7 : height++).toString(16),
  };
  const server = createServer((socket) => {
    socket.on("data", (data) => {
      const { id, method } = JSON.parse(data.toString());
      socket.write(JSON.stringify({ jsonrpc: "2.0", id, result: answers[method]() }) + "\\n");
    });
    socket.on("error", () => {});
  });
  server.listen("besu.ipc", () => console.log("answering"));
  process.on("SIGTERM", () => {
    console.log("stopping");
    process.exit(0);
  });
}
`;

/** Makes the program in `folder`, which is then a BESU_HOME. */
export function standInBesu(folder: string): string {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "besu.cjs"), PROGRAM);
  const program = join(folder, "bin", "besu");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, "besu.cjs")}" "$@"\n`);
  chmodSync(program, 0o755);
  return folder;
}
