import { expect } from "chai";
import { Resolver } from "did-resolver";
import { getResolver } from "../../../sdk/src/did/resolver.js";
import { deviceDid } from "../../../sdk/src/did/syntax.js";
import { changesOf } from "../../support/did-changes.js";
import { type DidWorld, didWorld } from "../../support/dids.js";

describe("resolving did:tenon after a long history", function () {
  this.timeout(240_000);
  let world: DidWorld;
  let resolver: Resolver;
  let asked: () => string[];

  before(async () => {
    world = await didWorld();
    const counted = world.counted();
    asked = counted.asked;
    resolver = new Resolver(await getResolver({ provider: counted.provider, deployment: world.deployment }));
    asked();
  });

  for (const [count, blocks] of [
    [400, "many blocks"],
    [400, "one block"],
    [10_000, "many blocks"],
  ] as const) {
    it(`takes two calls after ${count} changes in ${blocks}, for any version`, async () => {
      const history = await changesOf(world, count, blocks === "one block");
      const did = deviceDid(31337, history.device);
      const last = history.changes.length - 1;
      const places = blocks === "one block" ? [last] : [0, 1, 7, Math.floor(last / 2), last - 1, last];
      for (const place of places) {
        const change = history.changes[place]!;
        const { didDocument, didDocumentMetadata } = await resolver.resolve(did, {
          versionId: String(change.block),
        });
        expect(asked()).to.deep.equal(["eth_call", "eth_getLogs"]);
        expect(didDocumentMetadata.versionId).to.equal(String(change.block));
        expect(didDocument!.alsoKnownAs).to.deep.equal(change.name === undefined ? undefined : [change.name]);
        expect(didDocument!.verificationMethod![0]!.publicKeyMultibase).to.equal(change.multikey);
      }
      const { didDocumentMetadata } = await resolver.resolve(did);
      expect(asked()).to.deep.equal(["eth_call", "eth_getLogs"]);
      expect(didDocumentMetadata.versionId).to.equal(String(history.changes[last]!.block));
    });
  }
});
