import { expect } from "chai";
import { newTenon } from "../support/fixture.js";

describe("deploy", () => {
  it("deploys sealed", async () => {
    const t = await newTenon();
    expect(t.record.organisations).to.have.length(3);
    const head = await t.anchorLog.head(1);
    expect(head.key).to.equal(t.signers.oracle.address);
  });
  it("deploys unsealed", async () => {
    const t = await newTenon({ sealed: false });
    expect(t.record.sealed).to.equal(null);
  });
});
