import { expect } from "chai";
import { Resolver } from "did-resolver";
import { hexlify, keccak256, ZeroAddress } from "ethers";
import { resolverOf } from "../../sdk/src/did/resolver.js";
import { deviceDid } from "../../sdk/src/did/syntax.js";
import { type DidWorld, didWorld } from "../support/dids.js";
import { expectGas } from "../support/gas.js";
import { makeKey, type TestKey } from "../support/keys.js";
import { Random, testSeed } from "../support/random.js";
import { signAct } from "../support/signed-acts.js";

const text = (value: string) => Buffer.from(value);
/** What an owner typically publishes: two interfaces and one other name. */
const TYPICAL = text(
  '{"version":1,"interfaces":[{"id":"telemetry","type":"TelemetryStream","permissions":["readTelemetry"]},{"id":"start","type":"StartStop","permissions":["startStop"]}],"keys":[],"alsoKnownAs":["https://id.gs1.org/01/09506000134352/21/12345"]}',
);

describe("DeviceDocuments", () => {
  let world: DidWorld;
  before(async () => {
    world = await didWorld();
  });

  describe("publishing", () => {
    it("keeps every publication, and names the block of the one before", async () => {
      const { documents, orgs, signers } = world;
      const { id } = await world.born();
      let previous = 0;
      for (const [i, content] of ["first", "", "third"].entries()) {
        await expect(world.publish(id, text(content)))
          .to.emit(documents, "DocumentPublished")
          .withArgs(id, orgs.owner, i + 1, 1, keccak256(text(content)), previous, signers.owner.address);
        previous = await world.ethers.provider.getBlockNumber();
      }
      expect(await documents.publicationCount(id)).to.equal(3n);
      expect((await documents.publicationOf(id, 1))[1]).to.equal(hexlify(text("first")));
      const [withdrawn, nothing] = await documents.publicationOf(id, 2);
      expect([withdrawn.pointer, nothing]).to.deep.equal([ZeroAddress, "0x"]);
      expect((await documents.resolve(id)).document).to.equal(hexlify(text("third")));
    });

    it("keeps any bytes as they are, up to the most there may be", async () => {
      const { documents } = world;
      const { id } = await world.born();
      const random = new Random(testSeed());
      // The first byte of code decides what a call would do; here nothing is ever run.
      for (const content of [Uint8Array.of(0xef), Uint8Array.of(0xff), random.bytes(8192)]) {
        await world.publish(id, content);
        expect((await documents.resolve(id)).document).to.equal(hexlify(content));
      }
      await expect(world.publish(id, new Uint8Array(8193)))
        .to.be.revertedWithCustomError(documents, "DocumentTooLong")
        .withArgs(id, 8193, 8192);
    });

    it("makes an account that does nothing when it is called", async () => {
      const { documents, ethers, signers } = world;
      const { id } = await world.born();
      await world.publish(id, Uint8Array.of(0xff)); // SELFDESTRUCT, were it run
      const [{ pointer }] = await documents.publicationOf(id, 1);
      await signers.stranger.sendTransaction({ to: pointer });
      expect(await ethers.provider.getCode(pointer)).to.equal("0x00ff");
    });

    it("is the owner's device manager's alone", async () => {
      const { documents, consortium, orgs, registry, signers } = world;
      const { id } = await world.born();
      await expect(world.publish(id, TYPICAL, orgs.manufacturer))
        .to.be.revertedWithCustomError(documents, "DocumentOwnerRefused")
        .withArgs(id, orgs.owner, orgs.manufacturer);
      await expect(documents.connect(signers.authority).publish(id, TYPICAL))
        .to.be.revertedWithCustomError(consortium, "RoleMissing")
        .withArgs(signers.authority.address, 5);
      await expect(documents.connect(signers.stranger).publish(id, TYPICAL))
        .to.be.revertedWithCustomError(consortium, "SignatoryUnknown")
        .withArgs(signers.stranger.address);
      const unknown = makeKey(1).id;
      await expect(world.publish(unknown, TYPICAL))
        .to.be.revertedWithCustomError(registry, "DeviceUnknown")
        .withArgs(unknown);
      expect(await documents.publicationCount(id)).to.equal(0n);
    });

    it("can be relayed by anyone, once, and not for another chain", async () => {
      const { documents, signers } = world;
      const { id } = await world.born();
      const call = documents.interface.encodeFunctionData("publish", [id, TYPICAL]);
      const signer = signers.owner.address;
      const act = {
        signer,
        call,
        nonce: await documents["nonces(address)"](signer),
        deadline: 4_000_000_000n,
      };
      const relay = (signature: string) =>
        documents.connect(signers.stranger).act(act.signer, act.call, act.nonce, act.deadline, signature);
      const [, name, version, , verifyingContract] = await documents.eip712Domain();
      const elsewhere = await signAct(documents, signers.owner, act, {
        name,
        version,
        chainId: 1,
        verifyingContract,
      });
      await expect(relay(elsewhere)).to.be.revertedWithCustomError(documents, "ActSignatureInvalid");
      const signature = await signAct(documents, signers.owner, act);
      await relay(signature);
      expect((await documents.resolve(id)).publications).to.equal(1n);
      // An older document cannot be put over a newer one by sending it again.
      await expect(relay(signature)).to.be.revertedWithCustomError(documents, "InvalidAccountNonce");
    });

    it("ends with the device's epoch, also when an earlier owner comes back", async () => {
      const { documents, orgs } = world;
      const { id } = await world.born();
      await world.publish(id, TYPICAL);
      await world.handOver(id, orgs.owner, orgs.manufacturer);
      expect((await documents.resolve(id)).document).to.equal("0x");
      await world.handOver(id, orgs.manufacturer, orgs.owner);
      expect((await documents.resolve(id)).document).to.equal("0x");
      expect((await documents.resolve(id)).publications).to.equal(1n);
    });

    it("refuses to read a publication that was never made", async () => {
      const { id } = await world.born();
      await world.publish(id, TYPICAL);
      for (const number of [0, 2]) {
        await expect(world.documents.publicationOf(id, number))
          .to.be.revertedWithCustomError(world.documents, "DocumentUnknown")
          .withArgs(id, number, 1);
      }
    });

    it("costs what the snapshot says", async () => {
      const key = await world.born(world.orgs.owner, makeKey(1, `0x${"01".repeat(32)}`));
      await world.publish(key.id, TYPICAL);
      const sent = await world.publish(key.id, TYPICAL);
      expectGas("Publish a device's document of 240 bytes, not its first", (await sent.wait())!.gasUsed);
    });
  });

  const seed = testSeed();
  it(`resolves every past version as it was when it was the newest (seed ${seed})`, async () => {
    const random = new Random(seed);
    const resolver = new Resolver({ tenon: resolverOf(world.provider, world.deployment) });
    const { owner, manufacturer } = world.orgs;
    let key: TestKey = await world.born();
    const { id } = key;
    const did = deviceDid(31337, id);
    let holder: bigint = owner;
    let epoch = 1;
    const change = async (i: number) => {
      const which = random.below(10);
      if (which < 6) return world.publish(id, { alsoKnownAs: [`urn:${i}`] }, holder);
      epoch += 1;
      if (which < 9) {
        const fresh = makeKey(random.pick([1, 8]));
        await world.rotate(id, epoch - 1, key, fresh, holder);
        key = fresh;
        return undefined;
      }
      const to = holder === owner ? manufacturer : owner;
      await world.handOver(id, holder, to);
      holder = to;
      return undefined;
    };
    /** What stays the same about a version once there is a newer one. */
    const lasting = async (options: object) => {
      const { didDocument, didDocumentMetadata } = await resolver.resolve(did, options);
      const { status: _, nextUpdate: __, nextVersionId: ___, ...metadata } = didDocumentMetadata;
      return { didDocument, metadata };
    };

    const seen: { block: number; was: unknown }[] = [];
    for (let i = 0; i < 40; i++) {
      const several = 1 + random.below(3);
      if (random.below(3) === 0) {
        await world.inOneBlock(async () => {
          for (let j = 0; j < several; j++) await change(100 * i + j);
        });
      } else {
        await change(100 * i);
      }
      const was = await lasting({});
      seen.push({ block: await world.ethers.provider.getBlockNumber(), was });
    }
    await world.registry
      .connect(holder === owner ? world.signers.owner : world.signers.manufacturer)
      .revoke(id);
    for (const { block, was } of seen) {
      expect(await lasting({ versionId: String(block) })).to.deep.equal(was);
      const { timestamp } = (await world.ethers.provider.getBlock(block))!;
      const versionTime = new Date(1000 * timestamp).toISOString().replace(".000Z", "Z");
      expect(await lasting({ versionTime })).to.deep.equal(was);
    }
    expect((await resolver.resolve(did)).didDocumentMetadata.deactivated).to.equal(true);
  });
});
