import type { DIDDocument, DIDResolutionOptions } from "did-resolver";
import type { Dids } from "../../sdk/src/did/did.js";
import type { MadeDids } from "./world.js";

/** DID Core 1.0's media types; the suite knows no others. */
const mediaTypes = ["application/did+json", "application/did+ld+json"] as const;

interface Execution {
  readonly function: string;
  readonly input: object;
  readonly output: object;
}

interface Executions {
  readonly executions: Execution[];
  readonly expectedOutcomes: Record<string, number[]>;
}

/** The three files that an implementation hands to the suite. */
export interface Implementation {
  readonly did: { readonly dids: readonly string[] } & Record<string, unknown>;
  readonly resolver: Executions & Record<string, unknown>;
  readonly dereferencer: Executions & Record<string, unknown>;
}

const names = { didMethod: "did:tenon", implementation: "@tenon/sdk", implementer: "Tenon" };

/** Resolves and dereferences everything, and writes down what the SDK answered, unchanged. */
export async function implementationOf(made: MadeDids): Promise<Implementation> {
  return {
    did: await documents(made),
    resolver: { ...names, ...(await resolutions(made)) },
    dereferencer: { ...names, ...(await dereferencings(made)) },
  };
}

async function documents({ dids, live, example }: MadeDids): Promise<Implementation["did"]> {
  const { did, versionId, versionTime } = example;
  const entries = await Promise.all(
    live.map(async (one) => [one, await representations(dids, one)] as const),
  );
  return {
    ...names,
    supportedContentTypes: [...mediaTypes],
    dids: live,
    didParameters: {
      versionId: `${did}?versionId=${versionId}`,
      versionTime: `${did}?versionTime=${versionTime}`,
      service: `${did}?service=manual`,
      relativeRef: `${did}?service=manual&relativeRef=%2Fpart%2F7`,
    },
    ...Object.fromEntries(entries),
  };
}

async function representations(dids: Dids, did: string): Promise<object> {
  const { didDocument } = await dids.resolve(did);
  const { "@context": _, ...properties } = didDocument!;
  const forms = mediaTypes.map(async (accept) => {
    const result = await dids.resolve(did, { accept });
    const context = (result.didDocument as DIDDocument)["@context"];
    const form = {
      didDocumentDataModel: {
        representationSpecificEntries: context === undefined ? {} : { "@context": context },
      },
      representation: JSON.stringify(result.didDocument),
      didResolutionMetadata: result.didResolutionMetadata,
      didDocumentMetadata: result.didDocumentMetadata,
    };
    return [accept, form] as const;
  });
  return { didDocumentDataModel: { properties }, ...Object.fromEntries(await Promise.all(forms)) };
}

/** Collects executions under the outcome that is expected of each. */
class Collected implements Executions {
  readonly executions: Execution[] = [];
  readonly expectedOutcomes: Record<string, number[]> = {};

  constructor(...outcomes: string[]) {
    for (const outcome of outcomes) this.expectedOutcomes[outcome] = [];
  }

  add(outcome: string, execution: Execution): void {
    this.expectedOutcomes[outcome]!.push(this.executions.length);
    this.executions.push(execution);
  }
}

async function resolutions({ dids, live, deactivated, unknown, example }: MadeDids): Promise<Executions> {
  const all = new Collected(
    "defaultOutcome",
    "invalidDidErrorOutcome",
    "notFoundErrorOutcome",
    "representationNotSupportedErrorOutcome",
    "deactivatedOutcome",
  );
  for (const did of live) {
    for (const options of everyForm) all.add("defaultOutcome", await resolution(dids, did, options));
  }
  const { did, versionId, versionTime } = example;
  for (const version of [{ versionId }, { versionTime }]) {
    for (const options of everyForm) {
      all.add("defaultOutcome", await resolution(dids, did, { ...version, ...options }));
    }
  }
  for (const options of everyForm) {
    all.add("deactivatedOutcome", await resolution(dids, deactivated, options));
  }
  all.add("notFoundErrorOutcome", await resolution(dids, unknown, {}));
  all.add("invalidDidErrorOutcome", await resolution(dids, "did:tenon_31337", {}));
  return all;
}

const everyForm: DIDResolutionOptions[] = [{}, ...mediaTypes.map((accept) => ({ accept }))];

/** `resolve`, or `resolveRepresentation` when a media type is asked for: then the document is a stream. */
async function resolution(
  dids: Dids,
  did: string,
  resolutionOptions: DIDResolutionOptions,
): Promise<Execution> {
  const { didDocument, ...metadata } = await dids.resolve(did, resolutionOptions);
  const input = { did, resolutionOptions };
  if (resolutionOptions.accept === undefined) {
    return { function: "resolve", input, output: { ...metadata, didDocument } };
  }
  const didDocumentStream = didDocument === null ? "" : JSON.stringify(didDocument);
  return { function: "resolveRepresentation", input, output: { ...metadata, didDocumentStream } };
}

async function dereferencings({ dids, live, unknown, example }: MadeDids): Promise<Executions> {
  const all = new Collected("defaultOutcome", "invalidDidUrlErrorOutcome", "notFoundErrorOutcome");
  const urls = [
    ...live,
    `${example.did}#${example.fragment}`,
    `${example.did}#manual`,
    `${example.did}?versionId=${example.versionId}`,
    `${example.did}?versionId=${example.versionId}#telemetry`,
    `${example.did}?service=manual`,
  ];
  for (const url of urls) {
    for (const accept of mediaTypes) all.add("defaultOutcome", await dereferencing(dids, url, { accept }));
  }
  all.add("notFoundErrorOutcome", await dereferencing(dids, unknown, {}));
  all.add("notFoundErrorOutcome", await dereferencing(dids, `${example.did}?service=nothing`, {}));
  all.add("invalidDidUrlErrorOutcome", await dereferencing(dids, "did:tenon_31337", {}));
  return all;
}

async function dereferencing(
  dids: Dids,
  didUrl: string,
  dereferenceOptions: DIDResolutionOptions,
): Promise<Execution> {
  const output = await dids.dereference(didUrl, dereferenceOptions);
  return { function: "dereference", input: { didUrl, dereferenceOptions }, output };
}
