import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "chai";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("the SDK as a package", () => {
  before("make it", () => {
    execFileSync("tsx", ["scripts/pack-sdk.ts"], { cwd: root });
  });

  it("exports JavaScript and declarations under the same names as the sources", () => {
    const read = (path: string) => JSON.parse(readFileSync(`${root}${path}`, "utf8"));
    const built = read("sdk/dist/package.json");
    expect(Object.keys(built.exports)).to.deep.equal(Object.keys(read("sdk/package.json").exports));
    expect(built.exports["."]).to.deep.equal({ types: "./index.d.ts", default: "./index.js" });
  });

  it("loads in plain Node, without the tools of this repository", () => {
    const url = pathToFileURL(`${root}sdk/dist/`).href;
    const code = `
      const { decodeFrame, createTenon, abis } = await import("${url}index.js");
      const { DeviceSigner } = await import("${url}device/index.js");
      console.log(typeof decodeFrame, typeof createTenon, Object.keys(abis).length > 4, DeviceSigner.generate().id.length);`;
    const out = execFileSync("node", ["--input-type=module", "-e", code], { encoding: "utf8" });
    expect(out.trim()).to.equal("function function true 66");
  });
});
