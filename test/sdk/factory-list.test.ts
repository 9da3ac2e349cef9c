import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect } from "chai";
import { AbiCoder } from "ethers";
import { DeviceSigner } from "../../sdk/src/device/index.js";
import {
  readActivation,
  readFactoryList,
  writeActivations,
  writeFactoryList,
} from "../../sdk/src/devices/files.js";
import {
  type Activation,
  type ListedDevice,
  ListTree,
  listEntry,
  listedDevice,
  verifyActivation,
} from "../../sdk/src/devices/list.js";
import { newSalt, parametersHashOf, readPublicKey } from "../../sdk/src/devices/parameters.js";
import { readDevices } from "../../sdk/src/devices/rows.js";
import { deviceIdOf, type Hex, TenonError, toHex } from "../../sdk/src/index.js";
import { leafHashes, treeRoot } from "../../sdk/src/proof/merkle.js";
import { temporaryFolder } from "../device/support.js";
import { refusal } from "../support/refusal.js";

const PLACE = { chainId: "31337", registry: `0x${"5f".repeat(20)}`, maker: 3 };

function refused(action: () => unknown): TenonError {
  try {
    action();
  } catch (error) {
    if (error instanceof TenonError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function someDevices(count: number): ListedDevice[] {
  return Array.from({ length: count }, (_, i) =>
    listedDevice(DeviceSigner.generate(i % 4 === 3 ? "secp256k1" : "P-256").key, {
      parameters: { model: "X-200", serial: `XG-${i}` },
      salt: newSalt(),
    }),
  );
}

async function all(source: string | Readable): Promise<ListedDevice[]> {
  const devices: ListedDevice[] = [];
  for await (const device of readDevices(source)) devices.push(device);
  return devices;
}

describe("factory list", () => {
  it("is the RFC 9162 tree over what the contract hashes, and activates each position and no other", () => {
    const devices = someDevices(13);
    const tree = new ListTree(PLACE, devices);
    const entries = devices.map((device) => {
      const values = [deviceIdOf(device.key), device.parametersHash, device.certificateHash];
      return AbiCoder.defaultAbiCoder().encode(["bytes32", "bytes32", "bytes32"], values);
    });
    expect(devices.map((device) => toHex(listEntry(device)))).to.deep.equal(entries);
    expect(tree.list.root).to.equal(toHex(treeRoot(leafHashes(devices.map(listEntry)))));
    const activations = [...tree.activations()];
    expect(activations).to.have.length(13);
    for (const activation of activations) verifyActivation(activation);
    expect(tree.activationOf(deviceIdOf(devices[5]!.key))).to.deep.equal(activations[5]);
    expect(tree.activationOf(`0x${"00".repeat(32)}`)).to.equal(undefined);

    const good = activations[5]!;
    const other = activations[6]!;
    const changes: [string, Partial<Activation>][] = [
      ["another position", { index: 6 }],
      ["a longer run", { count: 14, index: 13 }],
      ["another device", { device: other.device, id: other.id }],
      ["another id", { id: other.id }],
      ["another root", { root: `0x${"11".repeat(32)}` }],
      ["a cut path", { path: good.path.slice(1) }],
      ["another certificate", { device: { ...good.device, certificateHash: `0x${"22".repeat(32)}` } }],
    ];
    for (const [what, change] of changes) {
      expect(refused(() => verifyActivation({ ...good, ...change })).code, what).to.equal(
        "ActivationInvalid",
      );
    }
    const lied = { ...good.device, parameters: { model: "X-900", serial: "XG-5" } };
    expect(refused(() => verifyActivation({ ...good, device: lied })).code).to.equal("ParametersMismatch");
  });

  it("refuses an empty run, a device that stands there twice, and a key that is no point", () => {
    const [one, two] = someDevices(2) as [ListedDevice, ListedDevice];
    expect(refused(() => new ListTree(PLACE, [])).code).to.equal("ListEmpty");
    const twice = refused(
      () =>
        new ListTree(PLACE, [
          one,
          two,
          { ...one, parametersHash: two.parametersHash, salt: two.salt!, parameters: two.parameters! },
        ]),
    );
    expect([twice.code, twice.args.first, twice.args.again]).to.deep.equal(["ListDeviceTwice", 0, 2]);
    const bent = { ...one, key: { ...one.key, y: one.key.x } };
    expect(refused(() => new ListTree(PLACE, [bent])).code).to.equal("DeviceKeyInvalid");
  });

  it("goes through files: the list whole, or one small file a device, each checked when it is read", async () => {
    const folder = temporaryFolder();
    try {
      const tree = new ListTree(PLACE, someDevices(9));
      const path = join(folder.path, "run.json");
      writeFactoryList(path, tree.list);
      expect(readFactoryList(path).list).to.deep.equal(tree.list);
      expect(refused(() => writeFactoryList(path, tree.list)).code).to.equal("FileNotWritten");

      const dir = join(folder.path, "activations");
      expect(writeActivations(dir, tree)).to.equal(9);
      const { id } = tree.activation(4);
      expect(readActivation(join(dir, `${id.slice(2)}.json`))).to.deep.equal(tree.activation(4));

      const text = JSON.stringify({ ...tree.list, devices: tree.list.devices.slice(1) });
      writeFileSync(join(folder.path, "short.json"), text);
      expect(refused(() => readFactoryList(join(folder.path, "short.json"))).code).to.equal(
        "ListRootMismatch",
      );
      for (const [name, body] of [
        ["other.json", "[]"],
        ["cut.json", JSON.stringify({ ...tree.activation(0), path: ["0x12"] })],
        ["no-device.json", JSON.stringify({ ...tree.activation(0), device: undefined })],
      ] as const) {
        writeFileSync(join(folder.path, name), body);
        expect(refused(() => readActivation(join(folder.path, name))).code, name).to.equal("FormInvalid");
      }
      expect(refused(() => readActivation(join(folder.path, "none.json"))).code).to.equal("FileUnusable");
    } finally {
      folder.remove();
    }
  });

  it("takes CSV, JSON Lines and a JSON array, and says in which line what is wrong", async () => {
    const signer = DeviceSigner.generate();
    const { x, y } = signer.key;
    const salt = `0x${"ab".repeat(32)}` as Hex;
    const parameters = { make: "Harbour", serial: 'No "7", left' };
    const expected = listedDevice(signer.key, { parameters, salt });
    expect(expected.parametersHash).to.equal(
      parametersHashOf(salt, { serial: parameters.serial, make: "Harbour" }),
    );

    const csv = `\uFEFFpublicKey,make,serial,salt\r\n${x.slice(2)}${y.slice(2)},Harbour,"No ""7"", left",${salt}\r\n\r\n`;
    const row = { x, y, curve: "P-256", ...parameters, salt };
    expect(await all(Readable.from([csv]))).to.deep.equal([expected]);
    expect(await all(Readable.from([`${JSON.stringify(row)}\n`]))).to.deep.equal([expected]);
    expect(await all(Readable.from([JSON.stringify([row], null, 2)]))).to.deep.equal([expected]);

    const [fresh] = await all(Readable.from(["x,y,serial\n", `${x},${y},7\n`]));
    expect(fresh!.salt).to.match(/^0x[0-9a-f]{64}$/);
    expect(fresh!.parametersHash).to.equal(parametersHashOf(fresh!.salt!, { serial: "7" }));

    const faults: [string, number, string][] = [
      ["serial\n1\n", 1, "header"],
      [`x,y\n${x},${x}\n`, 2, "publicKey"],
      [`x,y,serial\n${x},${y}\n`, 2, "row"],
      [`x,y,curve\n${x},${y},P-521\n`, 2, "curve"],
      [`x,y,certificateHash\n${x},${y},0x12\n`, 2, "certificateHash"],
      [`{"x":1}\n{`, 1, "publicKey"],
      ['[{"x":{}}]', 1, "x"],
      ["[", 1, "JSON"],
    ];
    for (const [text, line, field] of faults) {
      const error = await refusal(all(Readable.from([text])));
      expect([error.code, error.args.line, error.args.field], text).to.deep.equal([
        "RowInvalid",
        line,
        field,
      ]);
    }
    expect((await refusal(all("/nowhere/devices.csv"))).code).to.equal("RowsUnreadable");
  });

  it("reads a public key in every form that a production line writes", () => {
    for (const [curve, name] of [
      [1, "P-256"],
      [8, "secp256k1"],
    ] as const) {
      const { publicKey } = generateKeyPairSync("ec", { namedCurve: name });
      const der = publicKey.export({ format: "der", type: "spki" });
      const whole = der.subarray(-65);
      const compressed = Buffer.concat([Buffer.of(2 + (whole[64]! & 1)), whole.subarray(1, 33)]);
      const x = toHex(whole.subarray(1, 33));
      for (const bytes of [der, whole, whole.subarray(1), compressed]) {
        for (const text of [bytes.toString("hex"), toHex(bytes), bytes.toString("base64")]) {
          expect(readPublicKey(text, curve).x, text).to.equal(x);
        }
      }
    }
    expect(refused(() => readPublicKey("zz")).code).to.equal("DeviceKeyInvalid");
  });
});
