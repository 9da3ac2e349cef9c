import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { checkBesuVersion, findBesu, parseBesuVersion, tooOld } from "../../besu-network/run/version.js";
import { refusal } from "../support/refusal.js";

describe("the version of Besu", () => {
  it("is read from releases and from builds between them", () => {
    const cases: [string, [number, number, number]][] = [
      ["besu/v26.9.0/linux-x86_64/openjdk-java-25", [26, 9, 0]],
      ["besu/v26.8.1/osx-aarch_64/temurin-java-25\n", [26, 8, 1]],
      ["besu/v26.9-dev-683880ba/linux-x86_64/openjdk-java-25", [26, 9, 0]],
      ["besu/validator1/v26.9.0/linux-x86_64/openjdk-java-25", [26, 9, 0]],
      ["besu/v26.10.0-RC2/linux-x86_64/openjdk-java-25", [26, 10, 0]],
      ["WARNING: something\nbesu/v26.8-develop-0a1b2c3d/linux-x86_64/openjdk-java-25", [26, 8, 0]],
    ];
    for (const [text, version] of cases) expect(parseBesuVersion(text), text).to.deep.equal(version);
  });

  it("is refused before 26.8.1, in words", async () => {
    for (const before of [
      [25, 12, 0],
      [26, 7, 1],
      [26, 8, 0],
    ] as const) {
      expect(tooOld(before), before.join(".")).to.equal(true);
    }
    for (const good of [
      [26, 8, 1],
      [26, 9, 0],
      [26, 10, 0],
      [27, 1, 0],
    ] as const) {
      expect(tooOld(good), good.join(".")).to.equal(false);
    }
    const old = "besu/v26.8.0/linux-x86_64/openjdk-java-25";
    const error = await refusal((async () => checkBesuVersion(old, "/opt/besu/bin/besu"))());
    expect(error.code).to.equal("BesuTooOld");
    expect(error.message).to.include("stretches blocks");
    expect(error.args).to.deep.include({ found: "26.8.0", least: "26.8.1" });
    expect(checkBesuVersion("besu/v26.9-dev-683880ba/linux-x86_64/openjdk-java-25", "here")).to.equal(
      "26.9-dev-683880ba",
    );
    expect(checkBesuVersion("besu/rpc1/v26.9.0/linux-x86_64/openjdk-java-25", "here")).to.equal("26.9.0");
  });

  it("of something else is not one", async () => {
    for (const text of ["Geth/v1.16.4/linux", "besu: command not found", ""]) {
      expect((await refusal((async () => parseBesuVersion(text))())).code, text).to.equal(
        "BesuVersionUnreadable",
      );
    }
  });

  it("is asked of BESU_HOME first, then of the PATH; a folder or a plain file is no program", () => {
    const folder = mkdtempSync(join(tmpdir(), "besu-"));
    const program = (...path: string[]) => {
      const file = join(folder, ...path, "besu");
      mkdirSync(join(folder, ...path), { recursive: true });
      writeFileSync(file, "#!/bin/sh\n");
      chmodSync(file, 0o755);
      return file;
    };
    const home = program("home", "bin");
    const onPath = program("tools");
    mkdirSync(join(folder, "first", "besu"), { recursive: true });
    const PATH = [join(folder, "first"), join(folder, "none"), join(folder, "tools")].join(":");
    expect(findBesu({ BESU_HOME: join(folder, "home"), PATH })).to.equal(home);
    expect(findBesu({ PATH })).to.equal(onPath);
    expect(findBesu({ BESU_HOME: join(folder, "empty"), PATH })).to.equal(undefined);
    chmodSync(onPath, 0o644);
    expect(findBesu({ PATH })).to.equal(undefined);
    rmSync(folder, { recursive: true });
  });
});
