import {
  type DIDDocument,
  type DIDResolutionOptions,
  type DIDResolutionResult,
  parse,
  type Resolvable,
} from "did-resolver";
import { DidProblem, type ProblemMetadata } from "./problem.js";

export interface DereferencingResult {
  readonly dereferencingMetadata: { readonly contentType?: string } | ProblemMetadata;
  /** JSON of the document or of one of its parts, or a list of URLs, one a line; empty when it failed. */
  readonly contentStream: string;
  /** Of the document, when that is the content; otherwise empty. */
  readonly contentMetadata: Record<string, unknown>;
}

const URI_LIST = "text/uri-list";

/**
 * Gets what a DID URL points at: the document, a verification method or a service by its fragment, or services by
 * `?service=` (with `accept: "text/uri-list"` their endpoints, extended by `relativeRef`). Never throws.
 */
export async function dereference(
  resolver: Resolvable,
  didUrl: string,
  options: DIDResolutionOptions = {},
): Promise<DereferencingResult> {
  try {
    return await dereferenced(resolver, didUrl, options);
  } catch (error) {
    if (!(error instanceof DidProblem)) throw error;
    return failure(error.metadata);
  }
}

async function dereferenced(
  resolver: Resolvable,
  didUrl: string,
  options: DIDResolutionOptions,
): Promise<DereferencingResult> {
  const url = parse(didUrl);
  if (url === null) throw new DidProblem("INVALID_DID_URL", didUrl);
  const uriList = options.accept === URI_LIST;
  const accept = uriList ? "application/did" : (options.accept ?? "application/did");
  const query = url.query === undefined ? "" : `?${url.query}`;
  const result = await resolver.resolve(`${url.did}${query}`, { ...options, accept });
  if (result.didDocument === null) return failure(result.didResolutionMetadata as ProblemMetadata);
  if (url.path) throw new DidProblem("NOT_FOUND", `This method has no paths: ${url.path}`);

  const parameters = new URLSearchParams(url.query ?? "");
  const service = parameters.get("service");
  if (uriList) {
    const reference = `${parameters.get("relativeRef") ?? ""}${url.fragment ? `#${url.fragment}` : ""}`;
    return content(endpoints(result.didDocument, service, reference).join("\r\n"), URI_LIST);
  }
  const document = service === null ? result.didDocument : onlyService(result.didDocument, service);
  if (url.fragment) return part(document, `${url.did}#${url.fragment}`, accept);
  return whole(document, result);
}

function whole(document: DIDDocument, result: DIDResolutionResult): DereferencingResult {
  const { contentType } = result.didResolutionMetadata;
  return {
    dereferencingMetadata: { contentType: contentType ?? "application/did" },
    contentStream: JSON.stringify(document),
    contentMetadata: result.didDocumentMetadata,
  };
}

function part(document: DIDDocument, id: string, contentType: string): DereferencingResult {
  const all = [...(document.verificationMethod ?? []), ...(document.service ?? [])];
  const found = all.find((one) => one.id === id);
  if (found === undefined) throw new DidProblem("NOT_FOUND", `The document has no ${id}`);
  const context = document["@context"];
  const entries = context === undefined ? found : { "@context": context, ...found };
  return content(JSON.stringify(entries), contentType);
}

function onlyService(document: DIDDocument, service: string): DIDDocument {
  return { ...document, service: named(document, service) };
}

function endpoints(document: DIDDocument, service: string | null, reference: string): string[] {
  if (service === null) throw new DidProblem("INVALID_OPTIONS", `${URI_LIST} needs ?service=`);
  const urls = named(document, service)
    .map(({ serviceEndpoint }) => serviceEndpoint)
    .filter((endpoint) => typeof endpoint === "string");
  if (urls.length === 0)
    throw new DidProblem("NOT_FOUND", `The endpoint of ${service} is told by a grant only`);
  return urls.map((url) => (reference === "" ? url : new URL(reference, url).href));
}

function named(document: DIDDocument, service: string) {
  const found = (document.service ?? []).filter(
    ({ id }) => id === service || id === `${document.id}#${service}`,
  );
  if (found.length === 0) throw new DidProblem("NOT_FOUND", `The document has no service ${service}`);
  return found;
}

function content(contentStream: string, contentType: string): DereferencingResult {
  return { dereferencingMetadata: { contentType }, contentStream, contentMetadata: {} };
}

function failure({ error, problem }: ProblemMetadata): DereferencingResult {
  const metadata = problem === undefined ? { error } : { error, problem };
  return { dereferencingMetadata: metadata as ProblemMetadata, contentStream: "", contentMetadata: {} };
}
