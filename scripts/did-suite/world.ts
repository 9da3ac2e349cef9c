import { createTenon } from "../../sdk/src/client.js";
import type { Dids } from "../../sdk/src/did/did.js";
import { multikey, publicKeyOf } from "../../sdk/src/did/multikey.js";
import { didWorld } from "../../test/support/dids.js";
import { makeKey } from "../../test/support/keys.js";

/** DIDs on a live chain, and the state that each is in. */
export interface MadeDids {
  readonly dids: Dids;
  /** Resolve to a whole document. */
  readonly live: readonly string[];
  readonly deactivated: string;
  /** Has the form of a device's, and is nobody's. */
  readonly unknown: string;
  /** A device with an interface of each kind, and blocks and times of its versions. */
  readonly example: {
    readonly did: string;
    readonly fragment: string;
    readonly versionId: string;
    readonly versionTime: string;
  };
}

/** Devices of each kind of history, and organisations, on a fresh chain in this process. */
export async function madeDids(): Promise<MadeDids> {
  const world = await didWorld();
  const { owner, manufacturer } = world.orgs;
  const { did: dids } = await createTenon({ signer: world.signers.owner, deployment: world.deployment });

  const plain = await world.born(owner, makeKey(1));
  const koblitz = await world.born(owner, makeKey(8));
  const published = await world.born(owner, makeKey(1));
  await world.publish(published.id, {
    interfaces: [
      { id: "telemetry", type: "TelemetryStream", permissions: ["readTelemetry"] },
      { id: "manual", type: "Manual", permissions: [], endpoint: "https://maker.example/manual.pdf" },
    ],
    keys: [
      { multikey: "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", uses: ["assertionMethod"] },
      {
        multikey: multikey({ kind: "SM2", bytes: SM2_EXAMPLE }),
        uses: ["authentication", "assertionMethod"],
      },
      { multikey: multikey(publicKeyOf(makeKey(1))), uses: ["keyAgreement"] },
    ],
    alsoKnownAs: ["https://id.gs1.org/01/09506000134352/21/12345", "urn:oid:1.2.156.3088"],
  });
  const version = (await dids.resolve(dids.ofDevice(published.id))).didDocumentMetadata;
  const rotated = await world.born(owner, makeKey(1));
  await world.rotate(rotated.id, 1, rotated, makeKey(8));
  const sold = await world.born(owner, makeKey(1));
  await world.handOver(sold.id, owner, manufacturer);
  const suspended = await world.born(owner, makeKey(1));
  await world.suspend(suspended.id);
  const revoked = await world.born(owner, makeKey(1));
  await world.revoke(revoked.id);

  const keys = await world.ethers.getContractAt("OrganisationKeys", await world.documents.KEYS());
  for (const use of [0, 1]) {
    const { x, y } = makeKey(1);
    await keys.connect(world.signers.owner).publish(use, x, y);
  }
  // A later change, so that the version above has a next one.
  await world.publish(published.id, {
    interfaces: [{ id: "manual", type: "Manual", permissions: [], endpoint: "https://maker.example/2" }],
  });

  const devices = [plain, koblitz, published, rotated, sold, suspended];
  return {
    dids,
    live: [
      ...devices.map(({ id }) => dids.ofDevice(id)),
      dids.ofOrganisation(Number(owner)),
      dids.ofOrganisation(Number(manufacturer)),
    ],
    deactivated: dids.ofDevice(revoked.id),
    unknown: dids.ofDevice(makeKey(1).id),
    example: {
      did: dids.ofDevice(published.id),
      fragment: multikey(publicKeyOf(published)),
      versionId: version.versionId!,
      versionTime: version.updated!,
    },
  };
}

/** The public key of the example in GB/T 32918.5. */
const SM2_EXAMPLE = Buffer.from("0309f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020", "hex");
