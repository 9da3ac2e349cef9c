import { expect } from "chai";
import { Interface } from "ethers";
import { abis, callInWords, readCall } from "../../sdk/src/index.js";
import { codeOf } from "../support/refusal.js";

const abiOf = (name: keyof typeof abis) => new Interface(abis[name]);
const account = "0x976EA74026E726554dB657fA54763abd0C3a0aa9";

describe("calls in words", () => {
  it("name enums, moments and the limit that is none", () => {
    const grant = (until: bigint, limit: bigint) =>
      readCall(abiOf("Consortium").encodeFunctionData("grantRole", [account, 5, until, limit]));
    expect(grant(1_800_000_000n, 2n ** 128n - 1n)).to.deep.equal({
      method: "grantRole",
      args: [
        { name: "account", value: account },
        { name: "role", value: "DeviceManager" },
        { name: "until", value: "1800000000 (2027-01-15T08:00:00.000Z)" },
        { name: "limit", value: "none" },
      ],
    });
    expect(grant(2n ** 40n - 1n, 7n).args.slice(2)).to.deep.equal([
      { name: "until", value: "1099511627775 (without an end)" },
      { name: "limit", value: "7" },
    ]);
  });

  it("take calls inside calls apart, and name selectors", () => {
    const inner = abiOf("Consortium").encodeFunctionData("revokeRole", [account, 3]);
    const words = callInWords(abiOf("AccessManager").encodeFunctionData("schedule", [account, inner, 0]));
    expect(words).to.include(`revokeRole(account: ${account}, role: Anchor)`);
    const selectors = [inner.slice(0, 10), "0x12345678"];
    const opened = abiOf("AccessManager").encodeFunctionData("setTargetFunctionRole", [
      account,
      selectors,
      2,
    ]);
    expect(callInWords(opened)).to.include("[revokeRole, 0x12345678]");
  });

  it("are refused for a function that is not ours, and for arguments that are cut off", () => {
    expect(codeOf(() => readCall("0x12345678"))).to.equal("CallUnknown");
    const call = abiOf("Consortium").encodeFunctionData("forfeit", [3]);
    expect(codeOf(() => readCall(call.slice(0, -2)))).to.equal("CallUnknown");
  });
});
