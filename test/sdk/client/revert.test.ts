import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { AbiCoder, Interface, id, keccak256, toUtf8Bytes } from "ethers";
import { abis } from "../../../sdk/src/generated/abis.js";
import { TenonError } from "../../../sdk/src/index.js";
import { remedies } from "../../../sdk/src/remedies.js";
import { decodeRevert, enums, errorTable, revertDataOf, typedError } from "../../../sdk/src/revert.js";

const registry = new Interface(abis.DeviceRegistry);
const device = keccak256(toUtf8Bytes("some device"));
const unknownDevice = registry.encodeErrorResult("DeviceUnknown", [device]);

describe("typed errors of contracts", () => {
  const names = new Set([...errorTable.values()].map(({ name }) => name));

  it("has a remedy of one line for every error of every contract, and none for an error that is gone", () => {
    expect([...names].filter((name) => !(name in remedies))).to.deep.equal([]);
    expect(Object.keys(remedies).filter((name) => !names.has(name))).to.deep.equal([]);
    for (const remedy of Object.values(remedies)) expect(remedy).to.match(/^[A-Z][^\n]{10,140}[.]$/);
  });

  it("knows each error of each ABI by its selector; no two errors share one", () => {
    let seen = 0;
    for (const abi of Object.values(abis)) {
      new Interface(abi).forEachError((error) => {
        seen++;
        expect(errorTable.get(error.selector)?.name, error.format()).to.equal(error.name);
      });
    }
    expect(seen).to.be.greaterThan(60);
  });

  it("names the members of every enum that an error carries", () => {
    for (const { name, inputs } of errorTable.values()) {
      for (const { internalType = "" } of inputs) {
        if (internalType.startsWith("enum ")) expect(enums, name).to.have.property(internalType.slice(5));
      }
    }
  });

  it("numbers the members of enums as Solidity does", () => {
    const folder = fileURLToPath(new URL("../../../contracts", import.meta.url));
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".sol"))
      .map((name) => readFileSync(join(folder, name), "utf8"));
    for (const [name, members] of Object.entries(enums)) {
      const source = sources.join("\n").match(new RegExp(`enum ${name} \\{([^}]*)\\}`));
      expect(
        source?.[1]
          ?.replaceAll(/\/\/.*$/gm, "")
          .split(",")
          .map((member) => member.trim()),
        name,
      ).to.deep.equal(members);
    }
  });

  it("finds revert data wherever a node or a library puts it, and never takes calldata for it", () => {
    const shapes = [
      { code: "CALL_EXCEPTION", data: unknownDevice },
      { code: 3, message: "execution reverted", data: unknownDevice },
      { info: { error: { code: -32000, data: unknownDevice } } },
      { error: { data: { data: unknownDevice, message: "…" } } },
      { cause: { cause: { data: unknownDevice } } },
    ];
    for (const shape of shapes) {
      const error = typedError(shape) as TenonError;
      expect([error.code, error.args], JSON.stringify(shape)).to.deep.equal(["DeviceUnknown", { device }]);
      expect(error.cause).to.equal(shape);
    }
    expect(revertDataOf({ transaction: { data: unknownDevice }, payload: { data: unknownDevice } })).to.equal(
      undefined,
    );
    expect(revertDataOf("text")).to.equal(undefined);
  });

  it("decodes messages and panics of Solidity", () => {
    const message = `${id("Error(string)").slice(0, 10)}${AbiCoder.defaultAbiCoder().encode(["string"], ["no"]).slice(2)}`;
    expect(decodeRevert(message)).to.deep.include({ code: "Error", args: { message: "no" } });
    const panic = `${id("Panic(uint256)").slice(0, 10)}${AbiCoder.defaultAbiCoder().encode(["uint256"], [17]).slice(2)}`;
    expect(decodeRevert(panic)).to.deep.include({ code: "Panic", args: { code: 17n } });
  });

  it("says so when it does not know an error, when there is no reason, and lets other failures pass", () => {
    expect((typedError({ data: "0x12345678" }) as TenonError).code).to.equal("RevertUnknown");
    const cut = unknownDevice.slice(0, -2);
    expect((typedError({ data: cut }) as TenonError).code, "arguments cut short").to.equal("RevertUnknown");
    expect((typedError({ code: "CALL_EXCEPTION", data: null }) as TenonError).code).to.equal(
      "RevertWithoutReason",
    );
    const network = new Error("connection refused");
    expect(typedError(network)).to.equal(network);
    const ours = new TenonError("SignerRequired", "…");
    expect(typedError(ours)).to.equal(ours);
  });
});
