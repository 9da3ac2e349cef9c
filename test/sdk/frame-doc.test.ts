import { readFileSync } from "node:fs";
import { expect } from "chai";
import { FRAME_ERROR_CODES } from "../../sdk/src/frame/index.js";

const text = readFileSync(new URL("../../docs/frame.md", import.meta.url), "utf8");
const file = new URL("../../sdk/vectors/frames.json", import.meta.url);
const { valid } = JSON.parse(readFileSync(file, "utf8")) as { valid: { name: string; frame: string }[] };

describe("docs/frame.md", () => {
  it("shows the meter frame of the vectors, each line at its offset", () => {
    const dump = text.slice(text.indexOf("  0  D2"), text.indexOf("## 5."));
    let hex = "";
    for (const [, offset, bytes] of dump.matchAll(/^ *(\d+) {2,}((?:[0-9A-F]{2} )*[0-9A-F]{2})(?= |$)/gm)) {
      expect(Number(offset)).to.equal(hex.length / 2);
      hex += bytes!.replaceAll(" ", "").toLowerCase();
    }
    expect(`0x${hex}`).to.equal(valid.find(({ name }) => name === "meter frame")!.frame);
  });

  it("explains every error code", () => {
    for (const code of FRAME_ERROR_CODES) expect(text).to.include(`\`${code}\` |`);
  });
});
