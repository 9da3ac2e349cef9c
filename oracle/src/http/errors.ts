import { TenonError } from "@tenon/sdk/errors";
import { NodeError } from "@tenon/sdk/nodes/failure";

/** An error as every route answers it. */
export interface ErrorBody {
  code: string;
  message: string;
  args: Record<string, unknown>;
  remedy: string | undefined;
}

const statuses: Record<string, number> = {
  QueryInvalid: 400,
  RangeInvalid: 400,
  RangeTooLong: 400,
  TokenRefused: 401,
  RouteUnknown: 404,
  DeviceUnknown: 404,
  FrameUnknown: 404,
  BatchUnknown: 404,
  FrameNotAnchored: 409,
  RangeIncomplete: 409,
  RangeForked: 409,
  HeadSuperseded: 409,
  RangesBusy: 429,
  // The node does not show (yet) what it showed before.
  TransactionNotMined: 503,
  BlockChanged: 503,
};

/** Status and body of an error. What is not typed is the node's or ours, and shows no more than its message. */
export function answerOf(error: unknown): { status: number; body: ErrorBody } {
  if (error instanceof TenonError && !(error instanceof NodeError)) {
    const { code, args, remedy } = error;
    const message = error.message.split("\n")[0] as string;
    return { status: statuses[code] ?? 500, body: { code, message, args, remedy } };
  }
  const fields = (typeof error === "object" && error !== null ? error : {}) as {
    code?: string;
    statusCode?: number;
  };
  if (fields.statusCode !== undefined && fields.statusCode < 500) {
    const message = error instanceof Error ? error.message : "The request is not valid";
    return {
      status: fields.statusCode,
      body: { code: "RequestInvalid", message, args: {}, remedy: undefined },
    };
  }
  const fromNode = [
    "TIMEOUT",
    "NETWORK_ERROR",
    "SERVER_ERROR",
    "UNKNOWN_ERROR",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
  ];
  if (error instanceof NodeError || fromNode.includes(fields.code ?? "")) {
    const body = {
      code: "NodeUnavailable",
      message: "The node did not answer",
      args: {},
      remedy: "Ask again; /readyz says more.",
    };
    return { status: 503, body };
  }
  return {
    status: 500,
    body: {
      code: "InternalError",
      message: "The oracle failed to answer",
      args: {},
      remedy: "See the oracle's log.",
    },
  };
}
