import { expect } from "chai";
import { type DIDResolutionResult, Resolver } from "did-resolver";
import type { Hex } from "../../../sdk/src/bytes.js";
import { createTenon } from "../../../sdk/src/client.js";
import { multikey, publicKeyOf } from "../../../sdk/src/did/multikey.js";
import type { DeviceDocument } from "../../../sdk/src/did/publication.js";
import { getResolver } from "../../../sdk/src/did/resolver.js";
import { deviceDid, organisationDid } from "../../../sdk/src/did/syntax.js";
import { type DidWorld, didWorld } from "../../support/dids.js";
import { makeKey, type TestKey } from "../../support/keys.js";
import { refusal } from "../../support/refusal.js";

const stream: DeviceDocument = {
  interfaces: [{ id: "telemetry", type: "TelemetryStream", permissions: ["readTelemetry"] }],
};
const manual = (endpoint: string): DeviceDocument => ({
  interfaces: [{ id: "manual", type: "Manual", permissions: [], endpoint }],
});

describe("resolving did:tenon", () => {
  let world: DidWorld;
  let resolver: Resolver;
  let asked: () => string[];

  before(async () => {
    world = await didWorld();
    const counted = world.counted();
    asked = counted.asked;
    resolver = new Resolver(await getResolver({ provider: counted.provider, deployment: world.deployment }));
  });

  const did = (key: TestKey) => deviceDid(31337, key.id);
  const resolve = async (key: TestKey, options = {}) => {
    asked();
    const result = await resolver.resolve(did(key), options);
    expect(result.didResolutionMetadata.error).to.equal(undefined);
    return result;
  };
  const keyOf = ({ didDocument }: DIDResolutionResult) =>
    didDocument!.verificationMethod![0]!.publicKeyMultibase;
  const shown = (key: TestKey) => multikey(publicKeyOf(key));
  const problemOf = async (text: string, options = {}) => {
    const { didDocument, didDocumentMetadata, didResolutionMetadata } = await resolver.resolve(text, options);
    expect(didDocument).to.equal(null);
    expect(didDocumentMetadata).to.deep.equal({});
    return didResolutionMetadata;
  };
  const block = async (number: number | "latest" = "latest") => {
    const found = (await world.ethers.provider.getBlock(number))!;
    return {
      number: found.number,
      time: new Date(1000 * found.timestamp).toISOString().replace(".000Z", "Z"),
    };
  };

  for (const curve of [1, 8] as const) {
    it(`builds the document of a device with a key of curve ${curve}, in two calls`, async () => {
      const key = await world.born(world.orgs.owner, makeKey(curve));
      const born = await block();
      const { didDocument, didDocumentMetadata, didResolutionMetadata } = await resolve(key);
      expect(asked()).to.deep.equal(["eth_call", "eth_getLogs"]);
      const { publicKeyJwk } = didDocument!.verificationMethod![1]!;
      expect(didDocument!.id).to.equal(did(key));
      expect(didDocument!.controller).to.equal(organisationDid(31337, world.orgs.owner));
      expect(keyOf({ didDocument } as DIDResolutionResult)).to.equal(shown(key));
      expect(publicKeyJwk!.crv).to.equal(curve === 1 ? "P-256" : "secp256k1");
      expect(didDocument!.assertionMethod).to.deep.equal(
        didDocument!.verificationMethod!.map(({ id }) => id),
      );
      expect(didDocumentMetadata).to.deep.equal({
        created: born.time,
        versionId: String(born.number),
        status: "Active",
      });
      expect(didResolutionMetadata).to.deep.equal({});
    });
  }

  it("shows what the owner published, and for how long", async () => {
    const key = await world.born();
    await world.publish(key.id, { ...stream, alsoKnownAs: ["urn:serial:1"] });
    const { didDocument } = await resolve(key);
    expect(didDocument!.alsoKnownAs).to.deep.equal(["urn:serial:1"]);
    expect(didDocument!.service).to.have.length(1);
    const [service] = didDocument!.service!;
    expect(service).to.deep.include({ id: `${did(key)}#telemetry`, type: "TelemetryStream" });
    expect(service!.permissions).to.deep.equal(["readTelemetry"]);
    const uri = `eip155:31337:${world.deployment.contracts.DeviceAccess.address}`;
    expect(service!.serviceEndpoint).to.deep.equal({ access: "by grant", uri });

    await world.publish(key.id, manual("https://maker.example/1"));
    expect((await resolve(key)).didDocument!.service![0]!.serviceEndpoint).to.equal(
      "https://maker.example/1",
    );
    await world.publish(key.id, {});
    expect((await resolve(key)).didDocument).to.not.have.property("service");
  });

  it("resolves every version, by block and by second, with what came next", async () => {
    const [first, second] = [makeKey(1), makeKey(8)];
    await world.born(world.orgs.owner, first);
    const blocks = [await block()];
    const change = async (act: Promise<unknown>) => {
      await act;
      blocks.push(await block());
    };
    await change(world.publish(first.id, stream));
    await change(world.rotate(first.id, 1, first, second));
    await change(world.publish(first.id, manual("https://maker.example/2")));
    await world.handOver(first.id, world.orgs.owner, world.orgs.manufacturer);
    blocks.push(await block());

    for (const [i, { number, time }] of blocks.entries()) {
      const byBlock = await resolve(first, { versionId: String(number) });
      expect(asked().length).to.equal(2);
      const byTime = await resolve(first, { versionTime: time });
      expect(byTime).to.deep.equal(byBlock);
      const inUrl = await resolver.resolve(`${did(first)}?versionTime=${time}`);
      expect(inUrl).to.deep.equal(byBlock);

      const metadata = byBlock.didDocumentMetadata;
      expect(metadata.created).to.equal(blocks[0]!.time);
      expect(metadata.versionId).to.equal(String(number));
      expect(metadata.updated).to.equal(i === 0 ? undefined : time);
      expect(metadata.nextVersionId).to.equal(i === 4 ? undefined : String(blocks[i + 1]!.number));
      expect(metadata.nextUpdate).to.equal(blocks[i + 1]?.time);
      expect(keyOf(byBlock)).to.equal(shown(i < 2 ? first : second));
      expect(byBlock.didDocument!.controller).to.equal(
        organisationDid(31337, i < 4 ? world.orgs.owner : world.orgs.manufacturer),
      );
      // The publication ends with its epoch: a new key, or another owner.
      expect(byBlock.didDocument!.service?.[0]?.type).to.equal(
        [undefined, "TelemetryStream", undefined, "Manual", undefined][i],
      );
    }
    const between = await resolve(first, { versionId: String(blocks[4]!.number - 1) });
    expect(between.didDocumentMetadata.versionId).to.equal(String(blocks[3]!.number));
    expect((await problemOf(did(first), { versionId: String(blocks[0]!.number - 1) })).error).to.equal(
      "notFound",
    );
  });

  it("resolves five changes in one block in their order, and shows every one's effect", async () => {
    const keys = [makeKey(1), makeKey(1), makeKey(8)] as const;
    const [birth] = keys;
    const before = await block();
    const at = await world.inOneBlock(async () => {
      await world.born(world.orgs.owner, birth);
      await world.publish(birth.id, stream);
      await world.rotate(birth.id, 1, birth, keys[1]);
      await world.rotate(birth.id, 2, keys[1], keys[2]);
      await world.publish(birth.id, manual("https://maker.example/5"));
    });
    expect(at).to.equal(before.number + 1);
    const result = await resolve(birth);
    expect(asked()).to.deep.equal(["eth_call", "eth_getLogs"]);
    expect(keyOf(result)).to.equal(shown(keys[2]));
    expect(result.didDocument!.service!.map(({ type }) => type)).to.deep.equal(["Manual"]);
    expect(result.didDocumentMetadata).to.deep.equal({
      created: (await block()).time,
      versionId: String(at),
      status: "Active",
    });
    // None of the five is lost: each publication can still be read.
    expect(await world.documents.publicationCount(birth.id)).to.equal(2n);
    const [word] = await world.documents.publicationOf(birth.id, 1n);
    expect([word.epoch, word.blockNumber]).to.deep.equal([1n, BigInt(at)]);
  });

  it("keeps a revoked device deactivated for ever, and its past resolvable", async () => {
    const key = await world.born();
    await world.publish(key.id, stream);
    const alive = await block();
    await world.revoke(key.id);
    const revoked = await block();
    for (const options of [{}, { versionId: String(revoked.number) }, { versionTime: revoked.time }]) {
      const { didDocument, didDocumentMetadata } = await resolve(key, options);
      expect(asked()).to.deep.equal(["eth_call"]);
      expect(didDocument).to.deep.equal({ "@context": ["https://www.w3.org/ns/did/v1.1"], id: did(key) });
      expect(didDocumentMetadata).to.deep.include({ deactivated: true, updated: revoked.time });
    }
    const then = await resolve(key, { versionId: String(alive.number) });
    expect(then.didDocumentMetadata).to.not.have.property("deactivated");
    expect(then.didDocumentMetadata.nextUpdate).to.equal(revoked.time);
    expect(keyOf(then)).to.equal(shown(key));

    const { documents, registry } = world;
    for (const act of [() => world.publish(key.id, stream), () => world.publish(key.id, {})]) {
      await expect(act()).to.be.revertedWithCustomError(documents, "DocumentRevoked").withArgs(key.id);
    }
    for (const act of [() => world.resume(key.id), () => world.rotate(key.id, 2, key, makeKey(1))]) {
      await expect(act()).to.revert(world.ethers);
    }
    await expect(world.born(world.orgs.owner, key)).to.be.revertedWithCustomError(
      registry,
      "DeviceAlreadyRegistered",
    );
    expect((await resolve(key)).didDocumentMetadata.deactivated).to.equal(true);
  });

  it("says of a suspended device that it is, and keeps its key", async () => {
    const key = await world.born();
    await world.suspend(key.id);
    const suspended = await resolve(key);
    expect(suspended.didDocumentMetadata.status).to.equal("SuspendedByOwner");
    expect(keyOf(suspended)).to.equal(shown(key));
    await world.resume(key.id);
    expect((await resolve(key)).didDocumentMetadata.status).to.equal("Active");
  });

  it("shows the key of a device whose owner published nonsense, with a warning", async () => {
    const key = await world.born();
    await world.publish(key.id, Buffer.from('{"version":1,"interfaces":"all"}'));
    const result = await resolve(key);
    expect(keyOf(result)).to.equal(shown(key));
    expect(result.didDocument).to.not.have.property("service");
    expect(result.didDocumentMetadata.warning).to.contain("interfaces");
  });

  it("resolves organisations, with signatories and published keys, in one call", async () => {
    const { owner } = world.signers;
    const keys = await world.ethers.getContractAt("OrganisationKeys", await world.documents.KEYS());
    const [facing, sealing] = [makeKey(1), makeKey(1)];
    await keys.connect(owner).publish(0, facing.x, facing.y);
    await keys.connect(owner).publish(1, sealing.x, sealing.y);
    asked();
    const organisation = organisationDid(31337, world.orgs.owner);
    const { didDocument, didDocumentMetadata } = await resolver.resolve(organisation);
    expect(asked()).to.deep.equal(["eth_call"]);
    expect(didDocumentMetadata).to.deep.equal({ status: "Active" });
    expect(didDocument!.id).to.equal(organisation);
    const account = `${organisation}#${owner.address.toLowerCase()}`;
    expect(didDocument!.capabilityInvocation).to.deep.equal([account]);
    expect(didDocument!.verificationMethod![0]!.blockchainAccountId).to.equal(
      `eip155:31337:${owner.address}`,
    );
    expect(didDocument!.assertionMethod).to.include.members([account, `${organisation}#${shown(facing)}`]);
    expect(didDocument!.keyAgreement![0]).to.equal(`${organisation}#${shown(sealing)}`);

    expect((await problemOf(organisationDid(31337, 99))).error).to.equal("notFound");
    const { problem } = await problemOf(organisation, { versionId: "1" });
    expect(problem.type).to.equal("https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED");
  });

  it("gives each media type, and its name only when it was asked for", async () => {
    const key = await world.born();
    const plain = await resolve(key, { accept: "application/did+json" });
    expect(plain.didResolutionMetadata).to.deep.equal({ contentType: "application/did+json" });
    expect(plain.didDocument).to.not.have.property("@context");
    for (const accept of ["application/did+ld+json", "application/did"]) {
      const { didDocument, didResolutionMetadata } = await resolve(key, { accept });
      expect(didResolutionMetadata).to.deep.equal({ contentType: accept });
      expect(didDocument!["@context"]).to.deep.equal(["https://www.w3.org/ns/did/v1.1"]);
    }
    const any = await resolve(key, { accept: "text/html, */*;q=0.1" });
    expect(any.didResolutionMetadata).to.deep.equal({ contentType: "application/did" });
  });

  describe("fails with the problem of DID Resolution", () => {
    const unknown = deviceDid(31337, `0x${"07".repeat(32)}` as Hex);
    const cases: Record<string, [did: string, options: object, problem: string, error: string]> = {
      "for a device that is not registered": [unknown, {}, "NOT_FOUND", "notFound"],
      "for the zero id": [deviceDid(31337, `0x${"00".repeat(32)}`), {}, "NOT_FOUND", "notFound"],
      "for another chain": [unknown.replace("31337", "1"), {}, "NOT_FOUND", "notFound"],
      "for a DID that is not spelt right": ["did:tenon:31337:ABC", {}, "INVALID_DID", "invalidDid"],
      "for an organisation without a number": ["did:tenon:31337:org:0", {}, "INVALID_DID", "invalidDid"],
      "for a version that is no block": [
        unknown,
        { versionId: "latest" },
        "INVALID_OPTIONS",
        "invalidOptions",
      ],
      "for a time with fractions": [
        unknown,
        { versionTime: "2026-01-01T00:00:00.5Z" },
        "INVALID_OPTIONS",
        "invalidOptions",
      ],
      "for a day that does not exist": [
        unknown,
        { versionTime: "2026-02-30T00:00:00Z" },
        "INVALID_OPTIONS",
        "invalidOptions",
      ],
      "for a block and a time at once": [
        unknown,
        { versionId: "1", versionTime: "2026-01-01T00:00:00Z" },
        "INVALID_OPTIONS",
        "invalidOptions",
      ],
      "for a media type it does not have": [
        unknown,
        { accept: "application/did+cbor" },
        "REPRESENTATION_NOT_SUPPORTED",
        "representationNotSupported",
      ],
    };
    for (const [name, [text, options, problem, error]] of Object.entries(cases)) {
      it(name, async () => {
        const metadata = await problemOf(text, options);
        expect(metadata.error).to.equal(error);
        expect(metadata.problem.type).to.equal(`https://www.w3.org/ns/did#${problem}`);
        expect(metadata.problem.detail).to.be.a("string").that.is.not.empty;
      });
    }

    it("for a block or a second that has not come", async () => {
      const key = await world.born();
      const { number } = await block();
      expect((await problemOf(did(key), { versionId: String(number + 1) })).error).to.equal("notFound");
      expect((await problemOf(did(key), { versionTime: "2199-01-01T00:00:00Z" })).error).to.equal("notFound");
    });

    it("when the node's log holds another key than the call named", async () => {
      const [key, other] = [await world.born(), await world.born()];
      const lying = {
        request: async (call: { method: string; params?: unknown }) => {
          const answer = await world.provider.request(call as Parameters<typeof world.provider.request>[0]);
          return call.method === "eth_getLogs" ? swapped(answer, key, other) : answer;
        },
      };
      const deceived = new Resolver(await getResolver({ provider: lying, deployment: world.deployment }));
      const { didResolutionMetadata } = await deceived.resolve(did(key));
      expect(didResolutionMetadata.problem.type).to.equal("https://www.w3.org/ns/did#INTERNAL_ERROR");
    });

    it("when the node does not answer", async () => {
      let silent = false;
      const failing = {
        request: async (call: { method: string; params?: unknown }) => {
          if (silent) throw new Error("connection lost");
          return world.provider.request(call as Parameters<typeof world.provider.request>[0]);
        },
      };
      const lost = new Resolver(await getResolver({ provider: failing, deployment: world.deployment }));
      silent = true;
      const { didResolutionMetadata } = await lost.resolve(unknown);
      expect(didResolutionMetadata.error).to.equal("internalError");
      expect(didResolutionMetadata.problem.detail).to.contain("connection lost");
    });
  });

  it("refuses another chain of the same number before it resolves anything", async () => {
    const genesisHash = `0x${"11".repeat(32)}` as Hex;
    const deployment = { ...world.deployment, genesisHash };
    const error = await refusal(getResolver({ provider: world.provider, deployment }));
    expect(error.code).to.equal("GenesisMismatch");
  });

  it("publishes and finds interfaces through the client", async () => {
    const key = await world.born();
    const { did: dids } = await createTenon({ signer: world.signers.owner, deployment: world.deployment });
    const published = await dids.publish(key.id, stream).wait();
    expect(published).to.deep.include({
      device: key.id,
      owner: Number(world.orgs.owner),
      number: 1,
      epoch: 1,
    });
    expect(await dids.interfaces(key.id)).to.deep.equal(stream.interfaces);
    expect((await dids.resolve(dids.ofDevice(key.id))).didDocument!.service).to.have.length(1);
    expect(await dids.interfaces(`0x${"07".repeat(32)}`)).to.deep.equal([]);
  });

  it("publishes what somebody signed who has no node", async () => {
    const key = await world.born();
    const { deployment, signers } = world;
    const author = await createTenon({ signer: signers.owner, deployment });
    const shown: string[] = [];
    const act = await author.did.publish(key.id, stream).sign({ show: (words) => void shown.push(words) });
    expect(shown.join()).to.contain("publish").and.contain(key.id);
    const { relay } = await createTenon({ signer: signers.stranger, deployment });
    await relay(act).wait();
    expect(await author.did.interfaces(key.id)).to.deep.equal(stream.interfaces);
  });

  describe("dereferencing", () => {
    let key: TestKey;
    let get: (
      suffix: string,
      options?: object,
    ) => Promise<{ metadata: Record<string, unknown>; content: string }>;
    before(async () => {
      key = await world.born();
      await world.publish(key.id, {
        interfaces: [...stream.interfaces!, ...manual("https://maker.example/a/b").interfaces!],
      });
      const { did: dids } = await createTenon({ provider: world.provider, deployment: world.deployment });
      get = async (suffix, options) => {
        const result = await dids.dereference(`${did(key)}${suffix}`, options);
        return {
          metadata: result.dereferencingMetadata as Record<string, unknown>,
          content: result.contentStream,
        };
      };
    });

    it("gives the document, a key and a service", async () => {
      expect(JSON.parse((await get("")).content).id).to.equal(did(key));
      expect(JSON.parse((await get(`#${shown(key)}`)).content).type).to.equal("Multikey");
      expect(JSON.parse((await get("#telemetry")).content).type).to.equal("TelemetryStream");
      const { service } = JSON.parse((await get("?service=manual")).content);
      expect(service).to.have.length(1);
    });

    it("gives endpoints as a list of URLs, but not those behind a grant", async () => {
      const accept = "text/uri-list";
      expect((await get("?service=manual", { accept })).content).to.equal("https://maker.example/a/b");
      expect((await get("?service=manual&relativeRef=c%3Fd", { accept })).content).to.equal(
        "https://maker.example/a/c?d",
      );
      expect((await get("?service=telemetry", { accept })).metadata.error).to.equal("notFound");
    });

    it("fails for what is not there", async () => {
      expect((await get("#nothing")).metadata.error).to.equal("notFound");
      expect((await get("?service=nothing")).metadata.error).to.equal("notFound");
      expect((await get("/path")).metadata.error).to.equal("notFound");
      expect(await get("#a#b")).to.deep.include({ content: "" });
      expect((await get("#a#b")).metadata.error).to.equal("invalidDidUrl");
    });
  });
});

/** The logs of a block with one device's coordinates in place of another's. */
function swapped(logs: unknown, key: TestKey, other: TestKey): unknown {
  const text = JSON.stringify(logs);
  return JSON.parse(
    text.replaceAll(key.x.slice(2), other.x.slice(2)).replaceAll(key.y.slice(2), other.y.slice(2)),
  );
}
