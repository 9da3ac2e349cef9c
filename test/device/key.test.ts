import { verify } from "node:crypto";
import fs, { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import { computeAddress, keccak256, recoverAddress, TypedDataEncoder } from "ethers";
import { concatBytes, fromHex, toHex } from "../../sdk/src/bytes.js";
import {
  DeviceSigner,
  loadKey,
  loadOrCreateKey,
  registrationMessage,
  saveKey,
} from "../../sdk/src/device/index.js";
import { decodeFrame, deviceIdOf, importDeviceKey, verifyFrame } from "../../sdk/src/frame/index.js";
import { aad, openDevice, ReceiptSigner, refusal, temporaryFolder } from "./support.js";

const registration = {
  chainId: 31337n,
  registry: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  owner: "0x00000000000000000000000000000000000000A1",
  parametersHash: `0x${"11".repeat(32)}`,
  certificateHash: `0x${"00".repeat(32)}`,
  deadline: 1_800_000_000n,
} as const;

describe("device key", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  const file = (name: string) => join(folder.path, name);

  for (const curve of ["P-256", "secp256k1"] as const) {
    it(`keeps a ${curve} key in a file only the owner reads, and signs frames with it`, () => {
      const made = loadOrCreateKey(file(curve), curve);
      expect(statSync(file(curve)).mode & 0o777).to.equal(0o600);
      expect(readFileSync(file(curve), "utf8")).to.match(/^-----BEGIN PRIVATE KEY-----/);
      const loaded = loadKey(file(curve));
      expect(loaded.id).to.equal(made.id).and.to.equal(deviceIdOf(made.key));
      const device = openDevice(file(`journal-${curve}`), new ReceiptSigner(), { signer: loaded });
      const frame = decodeFrame(device.record([{ name: "t", value: 1.5 }]));
      expect(verifyFrame(frame, aad, made.key)).to.equal(true);
      device.close();
    });
  }

  it("refuses a key file others can read, and says how to mend it", () => {
    saveKey(file("open.pem"), DeviceSigner.generate());
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(file("open.pem"), mode);
      const error = refusal(() => loadKey(file("open.pem")));
      expect(error.code).to.equal("DeviceKeyExposed");
      expect(error.message).to.contain("chmod 600");
    }
    chmodSync(file("open.pem"), 0o400);
    expect(loadKey(file("open.pem")).id).to.match(/^0x/);
  });

  it("refuses to overwrite a key, and files that hold no usable one", () => {
    saveKey(file("once.pem"), DeviceSigner.generate());
    expect(refusal(() => saveKey(file("once.pem"), DeviceSigner.generate())).code).to.equal(
      "DeviceKeyExists",
    );
    expect(refusal(() => loadKey(file("absent.pem"))).code).to.equal("DeviceKeyMissing");
    writeFileSync(file("junk.pem"), "no key", { mode: 0o600 });
    expect(refusal(() => loadKey(file("junk.pem"))).code).to.equal("DeviceKeyInvalid");
    expect(refusal(() => loadOrCreateKey(file("junk.pem"))).code).to.equal("DeviceKeyInvalid");
    expect(readFileSync(file("junk.pem"), "utf8")).to.equal("no key");
  });

  it("proves a registration with P-256 over SHA-256, s in the lower half", () => {
    const halfOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n;
    const signer = DeviceSigner.generate();
    const message = registrationMessage(signer.key, registration).message;
    const key = { key: importDeviceKey(signer.key), dsaEncoding: "ieee-p1363" } as const;
    for (let i = 0; i < 40; i++) {
      const { r, s } = signer.signRegistration(registration);
      expect(verify("sha256", message, key, concatBytes(fromHex(r, 32), fromHex(s, 32)))).to.equal(true);
      expect(BigInt(s) <= halfOrder).to.equal(true);
    }
  });

  it("proves a registration with secp256k1 over Keccak, as ecrecover checks it", () => {
    const signer = DeviceSigner.generate("secp256k1");
    const message = toHex(registrationMessage(signer.key, registration).message);
    const { r, s } = signer.signRegistration(registration);
    const address = computeAddress(`0x04${signer.key.x.slice(2)}${signer.key.y.slice(2)}`);
    const recovered = [27, 28].map((v) => recoverAddress(keccak256(message), { r, s, v }));
    expect(recovered).to.include(address);
    expect(BigInt(s) < 1n << 255n).to.equal(true);
  });

  it("binds the proof to chain and contract", () => {
    const { key } = DeviceSigner.generate();
    const message = toHex(registrationMessage(key, registration).message);
    expect(message)
      .to.match(/^0x1901/)
      .and.to.have.length(2 + 2 * 66);
    const elsewhere = toHex(registrationMessage(key, { ...registration, chainId: 1n }).message);
    const domain = {
      name: "Tenon DeviceRegistry",
      version: "1",
      chainId: 31337n,
      verifyingContract: registration.registry,
    };
    expect(message.slice(6, 70)).to.equal(TypedDataEncoder.hashDomain(domain).slice(2));
    expect(elsewhere.slice(6, 70)).not.to.equal(message.slice(6, 70));
    expect(elsewhere.slice(70)).to.equal(message.slice(70));
  });

  it("leaves no half of a key behind when the disk is full", () => {
    const { writeSync } = fs;
    const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    fs.writeSync = () => {
      throw full;
    };
    syncBuiltinESMExports();
    try {
      const error = refusal(() => loadOrCreateKey(file("full")));
      expect([error.code, error.args.reason]).to.deep.equal(["DeviceKeyUnusable", "ENOSPC"]);
    } finally {
      fs.writeSync = writeSync;
      syncBuiltinESMExports();
    }
    expect(existsSync(file("full"))).to.equal(false);
    const made = loadOrCreateKey(file("full"));
    expect(loadKey(file("full")).id).to.equal(made.id);
  });
});
