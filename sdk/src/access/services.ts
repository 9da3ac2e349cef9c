import { TenonError } from "../errors.js";
import type { AllowedAccess } from "./guard.js";
import { permissionsOf } from "./pass.js";

/** One service of a device, under the name that its DID document publishes. */
export interface DeviceService {
  /** Names of the permissions that a request for it must ask for; the same as published. */
  readonly permissions: readonly string[];
  /** Does it. The result must be JSON. */
  run(input: unknown): unknown;
}

/** What a {@link DeviceGuard} and `serveAccess` need to know of a device's services. */
export interface ServiceTable {
  /** Permissions an action needs; `undefined` for one that no service takes. */
  needs(action: Uint8Array): bigint | undefined;
  act(access: AllowedAccess): Promise<Uint8Array>;
}

/** The action that calls a service: `{"service":…,"input":…}` in UTF-8. */
export function serviceCall(service: string, input?: unknown): Uint8Array {
  return jsonBytes({ service, input });
}

/** The result of a service call. */
export function serviceResult(bytes: Uint8Array): unknown {
  return bytes.length === 0 ? undefined : JSON.parse(Buffer.from(bytes).toString("utf8"));
}

/** @throws TenonError `PermissionUnknown`. */
export function servicesOf(services: Readonly<Record<string, DeviceService>>): ServiceTable {
  const table = new Map(
    Object.entries(services).map(([name, service]) => [
      name,
      { service, needed: permissionsOf(service.permissions) },
    ]),
  );
  return {
    needs: (action) => table.get(callOf(action)?.service ?? "")?.needed,
    act: async ({ action }) => {
      const call = callOf(action);
      const found = table.get(call?.service ?? "");
      if (call !== undefined && found !== undefined) return jsonBytes(await found.service.run(call.input));
      throw new TenonError("ServiceUnknown", "The device has no such service", {
        args: { service: call?.service, known: [...table.keys()].join(", ") },
        remedy: "Call one of the services that the device's DID document publishes.",
      });
    },
  };
}

function callOf(action: Uint8Array): { service: string; input: unknown } | undefined {
  try {
    const { service, input } = JSON.parse(Buffer.from(action).toString("utf8")) as Record<string, unknown>;
    return typeof service === "string" ? { service, input } : undefined;
  } catch {
    return undefined;
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return value === undefined ? new Uint8Array() : new Uint8Array(Buffer.from(JSON.stringify(value), "utf8"));
}
