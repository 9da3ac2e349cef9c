import { expect } from "chai";
import { type DeviceDocument, decodeDocument, encodeDocument } from "../../../sdk/src/did/publication.js";
import { TenonError } from "../../../sdk/src/errors.js";

const key = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
const whole: Required<DeviceDocument> = {
  interfaces: [
    { id: "telemetry", type: "TelemetryStream", permissions: ["readTelemetry"] },
    { id: "manual", type: "Manual", permissions: [], endpoint: "https://maker.example/manual.pdf" },
  ],
  keys: [{ multikey: key, uses: ["assertionMethod", "keyAgreement"] }],
  alsoKnownAs: ["https://id.gs1.org/01/09506000134352/21/12345", `did:key:${key}`],
};

/** The place that a refusal names. */
function placeOf(value: unknown): unknown {
  const bytes = typeof value === "string" ? Buffer.from(value) : Buffer.from(JSON.stringify(value));
  try {
    decodeDocument(bytes);
    return "accepted";
  } catch (error) {
    expect(error).to.be.instanceOf(TenonError);
    expect((error as TenonError).code).to.equal("DocumentInvalid");
    return (error as TenonError).args.at;
  }
}

describe("published documents", () => {
  const stored = { version: 1, ...whole };

  it("come back as they were published", () => {
    expect(decodeDocument(encodeDocument(whole))).to.deep.equal(whole);
    expect(JSON.parse(Buffer.from(encodeDocument(whole)).toString())).to.deep.equal(stored);
  });

  it("are no bytes at all when there is nothing in them, which withdraws the one before", () => {
    expect(encodeDocument({})).to.deep.equal(new Uint8Array());
    expect(decodeDocument(new Uint8Array())).to.deep.equal({ interfaces: [], keys: [], alsoKnownAs: [] });
  });

  const [stream] = whole.interfaces;
  const cases: Record<string, [place: string, value: unknown]> = {
    "text that is no JSON": ["the document", "{"],
    "a list in place of the object": ["the document", []],
    "another version": ["version", { ...stored, version: 2 }],
    "an unknown member": ["owner", { ...stored, owner: "me" }],
    "a missing member": ["keys", { version: 1, interfaces: [], alsoKnownAs: [] }],
    "an interface without an id": [
      "interfaces[0].id",
      { ...stored, interfaces: [{ ...stream, id: undefined }] },
    ],
    "an id that is no fragment": ["interfaces[0].id", { ...stored, interfaces: [{ ...stream, id: "a#b" }] }],
    "an id given twice": ["interfaces", { ...stored, interfaces: [stream, stream] }],
    "a permission that is no name": [
      "interfaces[0].permissions[0]",
      { ...stored, interfaces: [{ ...stream, permissions: ["read it"] }] },
    ],
    "an endpoint that is no URI": [
      "interfaces[0].endpoint",
      { ...stored, interfaces: [{ ...stream, endpoint: "10.0.0.7:4840" }] },
    ],
    "a secret beside the endpoint": [
      "interfaces[0].password",
      { ...stored, interfaces: [{ ...stream, password: "x" }] },
    ],
    "a key without a use": ["keys[0].uses", { ...stored, keys: [{ multikey: key, uses: [] }] }],
    "a key for what the owner cannot give": [
      "keys[0].uses[0]",
      { ...stored, keys: [{ multikey: key, uses: ["capabilityInvocation"] }] },
    ],
    "another name that is no URI": ["alsoKnownAs[0]", { ...stored, alsoKnownAs: ["no uri"] }],
    "too many names": ["alsoKnownAs", { ...stored, alsoKnownAs: Array(65).fill("urn:x") }],
  };
  for (const [fault, [place, value]] of Object.entries(cases)) {
    it(`refuses ${fault}, and says where`, () => expect(placeOf(value)).to.equal(place));
  }

  it("drops nothing that a user wrote and that has no place here", () => {
    const mistaken = { services: whole.interfaces } as DeviceDocument;
    expect(() => encodeDocument(mistaken))
      .to.throw(TenonError)
      .with.property("code", "DocumentInvalid");
  });

  it("refuses a permission that no grant can give", () => {
    const [one] = whole.interfaces;
    const mistaken = { interfaces: [{ ...one!, permissions: ["readTelemtry"] }] };
    expect(() => encodeDocument(mistaken))
      .to.throw(TenonError)
      .with.property("code", "PermissionUnknown");
  });

  it("refuses a key that is no key before it is published", () => {
    const bad = { keys: [{ multikey: `${key}x`, uses: ["authentication" as const] }] };
    expect(() => encodeDocument(bad))
      .to.throw(TenonError)
      .with.property("code", "MultikeyInvalid");
  });

  it("refuses more bytes than the contract takes", () => {
    const alsoKnownAs = Array.from({ length: 60 }, (_, i) => `urn:x:${i}:${"a".repeat(200)}`);
    expect(() => encodeDocument({ alsoKnownAs }))
      .to.throw(TenonError)
      .with.property("code", "DocumentInvalid");
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(() => decodeDocument(Uint8Array.of(0x22, 0xff, 0x22))).to.throw(TenonError);
  });
});
