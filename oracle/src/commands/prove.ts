import { writeFileSync } from "node:fs";
import { fromHex, type Hex } from "@tenon/sdk/bytes";
import { type Deployment, loadDeployment } from "@tenon/sdk/deployment";
import { TenonError } from "@tenon/sdk/errors";
import {
  type DeviceKey,
  decodeFrame,
  deviceIdOf,
  frameAad,
  importDeviceKey,
  verifyFrame,
} from "@tenon/sdk/frame/index";
import {
  type DeviceRangeProof,
  type FrameProof,
  type VerifiedStep,
  verifyFrameProof,
} from "@tenon/sdk/proof/bundle";
import { proofToJson } from "@tenon/sdk/proof/form";
import { verifyDeviceRange } from "@tenon/sdk/proof/range";
import { pino } from "pino";
import { readSecret } from "../chain/key.js";
import { loadReadConfig, type ReadConfig } from "../config.js";
import { openProofs } from "../proofs/open.js";
import { type DirectoryEntry, keysFor } from "../state/types.js";
import {
  type Command,
  overridesOf,
  type SettingOption,
  settingOptions,
  settingsHelp,
  type Values,
  wholeOption,
} from "./command.js";

const names: SettingOption[] = ["state", "deployment", "rpc", "jwt-key", "stream"];

/** Writes a proof to a file. */
export const prove: Command = {
  summary: "writes the proof of a frame, or of a device's range of frames, to a file",
  help: `Writes a proof that stands by itself: whoever trusts a block hash can check it, without a node and without us.

  npm run oracle -- prove --device 0x… --epoch 1 --seq 42 --out proof.json
  npm run oracle -- prove --index 1234 --out proof.json
  npm run oracle -- prove --device 0x… --epoch 1 --from 1 --to 500 --out range.json

${settingsHelp(...names)}
  --device ID          the device
  --epoch N            its epoch (default 1)
  --seq N              one frame, by the device's own number
  --index N            one frame, by its index in the log
  --from N --to N      all frames of the device between two numbers, proven to be all there are
  --url URL            asks a running oracle instead of reading its folder
  --token-file FILE    the token of that oracle
  --out FILE           where the proof goes (default: standard output)

Reading the folder, the proof is checked before it is written, and each step is shown.`,
  options: {
    ...settingOptions(...names),
    device: { type: "string" },
    epoch: { type: "string" },
    seq: { type: "string" },
    index: { type: "string" },
    from: { type: "string" },
    to: { type: "string" },
    url: { type: "string" },
    "token-file": { type: "string" },
    out: { type: "string" },
  },
  async run(values, file) {
    const wanted = wantedOf(values);
    const { url } = values;
    if (typeof url === "string") {
      write(values, await ask(url, wanted, values));
      return 0;
    }
    const config = loadReadConfig(file, process.env, overridesOf(values));
    const { proof, steps } = await build(config, loadDeployment(config.deployment), wanted);
    for (const { name, detail } of steps) console.error(`✔ ${name.padEnd(16)} ${detail}`);
    write(values, proofToJson(proof));
    return 0;
  },
};

type Wanted =
  | { logIndex: number }
  | { device: Hex; epoch: number; seq: bigint }
  | { device: Hex; epoch: number; from: bigint; to: bigint };

function wantedOf(values: Values): Wanted {
  const index = wholeOption(values, "index");
  if (index !== undefined) return { logIndex: index };
  const device = String(values.device ?? "").toLowerCase();
  if (!/^0x[0-9a-f]{64}$/.test(device)) throw usage("--device", "0x and 64 hex digits", values.device);
  const named = { device: device as Hex, epoch: wholeOption(values, "epoch") ?? 1 };
  if (values.seq !== undefined) return { ...named, seq: seqOption(values, "seq") };
  return { ...named, from: seqOption(values, "from"), to: seqOption(values, "to") };
}

function seqOption(values: Values, name: string): bigint {
  const value = values[name];
  if (typeof value === "string" && /^[1-9]\d{0,18}$/.test(value)) return BigInt(value);
  throw usage(`--${name}`, "a whole number from 1", value);
}

async function build(config: ReadConfig, deployment: Deployment, wanted: Wanted) {
  const { state, chain } = config;
  const opened = await openProofs({
    stateDir: state,
    deployment,
    rpc: chain.rpc,
    jwtKey: chain.jwtKey,
    stream: chain.stream,
    logger: pino({ level: "silent" }),
  });
  try {
    const { proofs, directory } = opened;
    const proof =
      "logIndex" in wanted
        ? await proofs.byIndex(wanted.logIndex)
        : "seq" in wanted
          ? await proofs.byName(wanted)
          : await proofs.range(wanted.device, wanted.epoch, wanted.from, wanted.to);
    const device = "device" in wanted ? directory.get(wanted.device) : undefined;
    return { proof, steps: check(proof, deployment, device) };
  } finally {
    await opened.close();
  }
}

/** Checks against the hashes the node gave: a reader should take them from a source of his own. */
function check(
  proof: FrameProof | DeviceRangeProof,
  deployment: Deployment,
  device: DirectoryEntry | undefined,
): VerifiedStep[] {
  const bytes = fromHex("frames" in proof ? proof.last.frame : proof.frame);
  const key = device && signerOf(bytes, device, deployment);
  const later = key !== undefined && deviceIdOf(key) !== decodeFrame(bytes).header.device;
  const trust = { deployment, ...(key && (later ? { laterKey: key } : { deviceKey: key })) };
  if ("frames" in proof) {
    const trustedBlockHash = [proof.last.block.hash, proof.head.block.hash];
    return verifyDeviceRange(proof, { ...trust, trustedBlockHash });
  }
  return verifyFrameProof(proof, { ...trust, trustedBlockHash: proof.block.hash });
}

/** The key of the device that signed the frame; the one in force when none did, so that the check fails. */
function signerOf(bytes: Uint8Array, device: DirectoryEntry, { chainId, contracts }: Deployment): DeviceKey {
  const frame = decodeFrame(bytes);
  const aad = frameAad({ chainId: BigInt(chainId), registry: contracts.DeviceRegistry.address });
  const keys = keysFor(device, frame.header.epoch);
  return keys.find((key) => verifyFrame(frame, aad, importDeviceKey(key))) ?? device.key;
}

async function ask(url: string, wanted: Wanted, values: Values): Promise<string> {
  const query = new URLSearchParams(
    Object.entries(wanted).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const path = "from" in wanted ? "/proof/device-range" : "/proof/frame";
  const tokenFile = values["token-file"];
  const headers = typeof tokenFile === "string" ? { authorization: `Bearer ${readSecret(tokenFile)}` } : {};
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/$/, "")}${path}?${query}`, {
      headers,
      signal: AbortSignal.timeout(60_000),
    });
  } catch (cause) {
    throw new TenonError("OracleUnreachable", "No oracle answers there", {
      args: { url, reason: cause instanceof Error ? cause.message : String(cause) },
      remedy: "Start it (serve), or read its folder with --state.",
      cause,
    });
  }
  const body = await answerOf(response, url);
  if (response.ok) return JSON.stringify(body, null, 2);
  const { code = "OracleRefused", message = response.statusText, args = {}, remedy } = body;
  throw new TenonError(code, message, { args, ...(remedy !== undefined && { remedy }) });
}

interface Answer {
  code?: string;
  message?: string;
  args?: Record<string, unknown>;
  remedy?: string;
}

async function answerOf(response: Response, url: string): Promise<Answer> {
  try {
    const answer: unknown = await response.json();
    if (typeof answer === "object" && answer !== null) return answer;
  } catch {
    // Said below: whatever came, it is no oracle's.
  }
  throw new TenonError("OracleUnreachable", "What answers there is no oracle", {
    args: { url, status: response.status },
    remedy: "Give the address that `serve` prints.",
  });
}

function write(values: Values, json: string): void {
  if (typeof values.out === "string") {
    writeFileSync(values.out, `${json}\n`);
    console.error(`proof written to ${values.out}`);
  } else {
    console.log(json);
  }
}

function usage(option: string, expected: string, given: unknown): TenonError {
  return new TenonError("OptionInvalid", "An option is missing or not valid", {
    args: { option, expected, given: given ?? "nothing" },
    remedy: "npm run oracle -- prove --help shows examples.",
  });
}
