/*
 * A child process of the crash test: records frames as fast as it can and prints each one only after `flush`, which is
 * when a device may send it. It is killed at a random moment.
 */
import { writeSync } from "node:fs";
import { toHex } from "../../sdk/src/bytes.js";
import { Device, loadKey } from "../../sdk/src/device/index.js";
import { domain } from "./support.js";

const [keyFile, dir, receiptKeyFile, tag] = process.argv.slice(2) as [string, string, string, string];
const device = Device.open({
  signer: loadKey(keyFile),
  domain,
  receiptKey: loadKey(receiptKeyFile).key,
  journal: { dir, segmentBytes: 4096 },
});
process.on("message", (receipt: string) => device.acceptReceipt(Buffer.from(receipt, "hex")));
writeSync(1, "ready\n");
for (let i = 0; ; i++) {
  const bytes = device.record([{ name: tag, value: BigInt(i) }]);
  await device.flush();
  writeSync(1, `${toHex(bytes)}\n`);
}
