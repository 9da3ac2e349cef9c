/**
 * A machine that opens to whoever brings its owner's pass, with no network behind it and no chain.
 *
 *   tsx sdk/examples/offline-device.ts DIR [--port 0] [--no-clock]
 *
 * DIR/device.pem is its key (made when missing); DIR/commission.json says once whom it belongs to:
 * { chainId, access, epoch, owner: { organisation, key: { curve, x, y } } }. Beside them it keeps what it remembers (guard.json) and
 * every decision (access.log).
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { AccessChannel, AccessJournal, DeviceGuard, serveAccess, servicesOf } from "../src/access/index.js";
import { loadOrCreateKey } from "../src/device/key.js";
import { TenonError } from "../src/errors.js";

const [dir = ".", ...options] = process.argv.slice(2);
const at = (name: string) => join(dir, name);
const { chainId, access, epoch, owner } = JSON.parse(readFileSync(at("commission.json"), "utf8"));

const machine = { running: false, speed: 0 };
const services = servicesOf({
  state: { permissions: ["readState"], run: () => machine },
  start: { permissions: ["startStop"], run: () => Object.assign(machine, { running: true }) },
  speed: {
    permissions: ["startStop", "writeConfiguration"],
    run: (input) => Object.assign(machine, { speed: Number(input) }),
  },
});

const guardOptions = {
  path: at("guard.json"),
  signer: loadOrCreateKey(at("device.pem")),
  domain: { chainId: BigInt(chainId), access },
  needs: services.needs,
  journal: AccessJournal.open(at("access.log")),
  ...(options.includes("--no-clock") ? {} : { clock: () => Math.floor(Date.now() / 1000) }),
};
const guard = openOrCommission();

function openOrCommission(): DeviceGuard {
  try {
    return DeviceGuard.open(guardOptions);
  } catch (error) {
    if (!(error instanceof TenonError) || error.code !== "GuardNotCommissioned") throw error;
    return DeviceGuard.commission(guardOptions, { owner, epoch });
  }
}

const server = createServer((socket) => {
  serveAccess(new AccessChannel(socket), guard, services.act).catch((error: Error) => {
    console.error(error.message);
    socket.destroy();
  });
});
const portAt = options.indexOf("--port");
server.listen(portAt < 0 ? 0 : Number(options[portAt + 1]), "127.0.0.1", () => {
  const address = server.address();
  console.log(JSON.stringify({ device: guard.device, port: typeof address === "object" && address?.port }));
});
