/** The errors of W3C DID Resolution that this method answers with, and the keywords of DID Core 1.0 for them. */
const problems = {
  INVALID_DID: { keyword: "invalidDid", title: "The DID does not have the form of this method" },
  INVALID_DID_URL: { keyword: "invalidDidUrl", title: "Not a DID URL" },
  NOT_FOUND: { keyword: "notFound", title: "Nothing is registered under this DID" },
  METHOD_NOT_SUPPORTED: { keyword: "unsupportedDidMethod", title: "Another DID method" },
  INVALID_OPTIONS: { keyword: "invalidOptions", title: "The options are not valid" },
  FEATURE_NOT_SUPPORTED: { keyword: "featureNotSupported", title: "This is not supported" },
  REPRESENTATION_NOT_SUPPORTED: {
    keyword: "representationNotSupported",
    title: "The document is not available in this media type",
  },
  INTERNAL_ERROR: { keyword: "internalError", title: "The chain could not be read" },
} as const;

export type ProblemName = keyof typeof problems;

/** An error as RFC 9457 describes one; `type` is the URL that DID Resolution gives it. */
export interface Problem {
  readonly type: `https://www.w3.org/ns/did#${ProblemName}`;
  readonly title: string;
  /** What was wrong with this request. */
  readonly detail: string;
}

/**
 * How a failure stands in the metadata of a result: `error` is the keyword that `did-resolver` and DID Core 1.0 know,
 * `problem` the same as DID Resolution wants it now.
 */
export interface ProblemMetadata {
  readonly error: string;
  readonly problem: Problem;
}

/** A failure on its way out of the resolver; it never leaves it as an exception. */
export class DidProblem extends Error {
  readonly metadata: ProblemMetadata;

  constructor(name: ProblemName, detail: string) {
    super(detail);
    const { keyword, title } = problems[name];
    this.metadata = {
      error: keyword,
      problem: { type: `https://www.w3.org/ns/did#${name}`, title, detail },
    };
  }
}

/** The failures that `did-resolver` answers by itself, before it asks a method. */
export function problemOf(keyword: string, did: string): ProblemMetadata | undefined {
  const found = Object.entries(problems).find(([, one]) => one.keyword === keyword);
  return found === undefined ? undefined : new DidProblem(found[0] as ProblemName, did).metadata;
}
