/**
 * A maintenance firm at the machine: shows its pass, asks for one service, prints the result. No network, no chain.
 *
 *   tsx sdk/examples/offline-requester.ts PORT PASS KEY SERVICE PERMISSION[,PERMISSION…] [INPUT]
 *
 * PASS is the offline pass as the owner issued it, KEY the PEM file of the key that it names. Exit code 1 and the reason when
 * the machine refuses, or is not the machine.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import {
  AccessChannel,
  ask,
  meet,
  permissionsOf,
  Requester,
  serviceCall,
  serviceResult,
} from "../src/access/index.js";
import { loadKey } from "../src/device/key.js";
import { TenonError } from "../src/errors.js";

const [port, pass, key, service = "", permissions = "", input] = process.argv.slice(2);
const { TENON_CHAIN_ID: chainId = "31337", TENON_ACCESS: access = "" } = process.env;
const socket = connect(Number(port), "127.0.0.1");
try {
  const requester = new Requester({
    domain: { chainId: BigInt(chainId), access },
    signer: loadKey(key ?? ""),
    pass: new Uint8Array(readFileSync(pass ?? "")),
  });
  const channel = new AccessChannel(socket);
  await meet(channel, requester);
  const call = serviceCall(service, input);
  const result = await ask(channel, requester, permissionsOf(permissions.split(",")), call);
  console.log(JSON.stringify(serviceResult(result)));
} catch (error) {
  if (!(error instanceof TenonError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  socket.destroy();
}
