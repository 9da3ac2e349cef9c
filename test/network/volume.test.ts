import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { backupNode, restoreInto } from "../../besu-network/backup/node.js";
import { createBundle } from "../../besu-network/bundle/create.js";
import { type Bundle, layout } from "../../besu-network/bundle/manifest.js";
import { refusal } from "../support/refusal.js";
import { put } from "./support/bundle.js";

/**
 * A program in the place of docker whose volumes are folders: it knows the commands that a backup uses, of containers that do
 * not run, and refuses every other. What an engine does with them is not tried here.
 */
const PROGRAM = `
const { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync } = require("node:fs");
const { join } = require("node:path");
const [volumes, project] = JSON.parse(process.env.STAND_IN_DOCKER);
const args = process.argv.slice(2);
const folder = (node) => join(volumes, project + "_" + node + "-data");
const place = (path) => path.includes(":") ? join(folder(path.split(":")[0]), path.split(":/var/lib/besu")[1]) : path;
const commands = {
  "--version": () => {},
  "version": () => {},
  "compose version": () => {},
  "compose ps": () => {},
  "volume ls": () => console.log(readdirSync(volumes).join("\\n")),
  "compose create": () => mkdirSync(folder(args[2]), { recursive: true }),
  "compose cp": () => {
    const [from, to] = args.slice(2).filter((arg) => !arg.startsWith("--")).map(place);
    if (!existsSync(from)) process.exit(1);
    cpSync(from, to, { recursive: true });
  },
};
(commands[args.slice(0, 2).join(" ")] ?? commands[args[0]] ?? (() => process.exit(1)))();
`;

describe("network: backup and restore of a container's node", () => {
  const { PATH } = process.env;
  const passphrase = "a passphrase of containers";
  let folder: string;
  let bundle: Bundle;
  let volumes: string;
  let volume: string;
  let file: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-volume-"));
    [bundle] = (await createBundle({ out: join(folder, "network"), mode: "docker" })) as [Bundle];
    volumes = join(folder, "volumes");
    const project = `tenon-${bundle.manifest.organisation}-${bundle.manifest.chainId}`;
    expect(readFileSync(join(bundle.dir, "docker-compose.yml"), "utf8")).to.include(project);
    volume = join(volumes, `${project}_validator1-data`);
    file = join(folder, "validator1.backup");
    put(volume, "database/000001.sst", "blocks");
    put(join(folder, "bin"), "docker.cjs", PROGRAM);
    put(
      join(folder, "bin"),
      "docker",
      `#!/bin/sh\nexec "${process.execPath}" "${folder}/bin/docker.cjs" "$@"\n`,
    );
    chmodSync(join(folder, "bin/docker"), 0o755);
    process.env.PATH = `${join(folder, "bin")}:${PATH}`;
    process.env.STAND_IN_DOCKER = JSON.stringify([volumes, project]);
  });
  after(() => {
    process.env.PATH = PATH;
    delete process.env.STAND_IN_DOCKER;
    rmSync(folder, { recursive: true, force: true });
  });

  const data = () => join(bundle.dir, layout.data("validator1"));

  it("takes the data out of the volume, and leaves no copy behind", async () => {
    const { files, mode } = await backupNode(bundle, "validator1", { out: file, passphrase });
    expect(mode).to.equal("docker");
    expect(files.map(({ path }) => path)).to.include("nodes/validator1/data/database/000001.sst");
    expect(existsSync(data())).to.equal(false);
  });

  it("does not take a copy that is left from before for the data", async () => {
    mkdirSync(data());
    const refused = await refusal(backupNode(bundle, "validator1", { out: `${file}2`, passphrase }));
    expect(refused.code).to.equal("BackupLeftover");
    rmSync(data(), { recursive: true });
  });

  it("overwrites no volume; puts the data into a new one", async () => {
    const restore = () => restoreInto({ file, passphrase, dir: bundle.dir, oldNodeIsGone: true });
    rmSync(join(bundle.dir, layout.node("validator1")), { recursive: true });
    const refused = await refusal(restore());
    expect([refused.code, refused.args.volume]).to.deep.equal([
      "RestoreOverwrites",
      volume.split("/").at(-1),
    ]);
    expect(existsSync(join(bundle.dir, layout.node("validator1")))).to.equal(false);
    rmSync(volume, { recursive: true });
    await restore();
    expect(readFileSync(join(volume, "database/000001.sst"), "utf8")).to.equal("blocks");
    expect(readdirSync(join(bundle.dir, layout.node("validator1")))).to.have.members([
      "config.toml",
      "key",
      "permissions.toml",
    ]);
  });
});
