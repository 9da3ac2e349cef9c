import type { Hex } from "@tenon/sdk/bytes";
import { toHex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { ClosedBatch } from "../state/types.js";
import { readiness } from "./health.js";
import { metricsOf } from "./metrics.js";
import { asOf, type OracleView } from "./view.js";

const MAX_SEQ = 2n ** 63n - 1n;
/** Range proofs being made or sent: each takes up to 100 MB of memory. */
const MAX_RANGES = 4;
const deviceId = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, { error: "must be 0x and 64 hex digits" })
  .transform((text) => text.toLowerCase() as Hex);
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, { error: "must be a whole number" })
    .transform(Number)
    .refine((n) => n >= least && n <= most, { error: `must be between ${least} and ${most}` });
const seq = z
  .string()
  .regex(/^\d{1,19}$/, { error: "must be a whole number" })
  .transform(BigInt)
  .refine((n) => n >= 1n && n <= MAX_SEQ, { error: "must be between 1 and 2^63 - 1" });
const epoch = whole(1, 2 ** 32 - 1);
const logIndex = whole(0, 2 ** 40);

const frameByIndex = z.strictObject({ logIndex });
const frameByName = z.strictObject({ device: deviceId, epoch, seq });
const rangeQuery = z.strictObject({ device: deviceId, epoch, from: seq, to: seq });
const batchesQuery = z.strictObject({
  from: whole(0, 2 ** 32 - 1).default(0),
  limit: whole(1, 1_000).default(100),
});
const batchParams = z.strictObject({ n: whole(0, 2 ** 32 - 1) });
const deviceParams = z.strictObject({ id: deviceId });

/** All routes. Every JSON answer names what it is true at. */
export function addRoutes(app: FastifyInstance, view: OracleView): void {
  const { proofs, places, directory } = view;
  const metrics = metricsOf(view);

  app.get("/proof/frame", async (request) => {
    const given = request.query as Record<string, unknown>;
    if ("logIndex" in given)
      return { ...(await proofs.byIndex(read(frameByIndex, given).logIndex)), asOf: asOf(view) };
    return { ...(await proofs.byName(read(frameByName, given))), asOf: asOf(view) };
  });

  let ranges = 0;
  app.get("/proof/device-range", async (request, reply) => {
    const { device, epoch: of, from, to } = read(rangeQuery, request.query);
    if (ranges >= MAX_RANGES) {
      throw new TenonError("RangesBusy", "The oracle is making as many range proofs as it may at once", {
        args: { most: MAX_RANGES },
        remedy: "Ask again when an answer is through.",
      });
    }
    ranges++;
    reply.raw.once("close", () => ranges--);
    return { ...(await proofs.range(device, of, from, to)), asOf: asOf(view) };
  });

  app.get("/batches", async (request) => {
    const { from, limit } = read(batchesQuery, request.query);
    const batches = places.batches(from, limit);
    const last = batches.at(-1);
    const next = last !== undefined && last.batch + 1 < places.closed() ? last.batch + 1 : null;
    return { batches: batches.map((batch) => batchView(view, batch)), next, asOf: asOf(view) };
  });

  app.get("/batches/:n", async (request) => {
    const { n } = read(batchParams, request.params);
    const batch = places.batch(n);
    if (batch === undefined) {
      throw new TenonError("BatchUnknown", "No such batch is closed", {
        args: { batch: n, closed: places.closed() },
        remedy: "Batches are numbered from 0 in the order they closed.",
      });
    }
    return { ...batchView(view, batch), asOf: asOf(view) };
  });

  app.get("/devices/:id", async (request) => {
    const { id } = read(deviceParams, request.params);
    const device = directory.get(id);
    if (device === undefined) {
      throw new TenonError("DeviceUnknown", "The registry has no such device", {
        args: { device: id },
        remedy: "Register it (npx hardhat device:register), or wait for the block that does.",
      });
    }
    const { key, keyEpoch, formerKeys = [], owner, status, epoch: of, block } = device;
    const facts = places.facts({ num: device.num, limit: 100 });
    return {
      device: id,
      record: { owner, status, epoch: of, key, keyEpoch, formerKeys, block },
      heads: places.heads(device.num),
      gaps: places.facts({ num: device.num, kind: "gap", open: true, limit: 100 }),
      facts,
      asOf: asOf(view),
    };
  });

  app.get("/livez", async () => ({ alive: true, asOf: asOf(view) }));

  app.get("/readyz", async (_, reply) => {
    const state = readiness(view);
    return reply.code(state.ready ? 200 : 503).send({ ...state, asOf: asOf(view) });
  });

  app.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
}

function batchView({ places }: OracleView, batch: ClosedBatch) {
  const { batch: number, first, count, minTime, maxTime, rejectFirst, rejectCount, closedAt } = batch;
  return {
    batch: number,
    first,
    count,
    minTime,
    maxTime,
    framesRoot: toHex(batch.framesRoot),
    headsRoot: toHex(batch.headsRoot),
    rejectsRoot: toHex(batch.rejectsRoot),
    rejectFirst,
    rejectCount,
    closedAt,
    anchored: places.anchoredAt(number) ?? null,
  };
}

function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message, code }) => {
    const missing =
      code === "invalid_type" && (given as Record<string, unknown>)[String(path[0])] === undefined;
    return `${path.join(".") || "query"} ${missing ? "is missing" : message}`;
  });
  throw new TenonError("QueryInvalid", "The query is not valid", {
    args: { faults: faults.join("; ") },
    remedy: "oracle/README.md lists the parameters of each route.",
  });
}
