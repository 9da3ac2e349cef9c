import { getAddress } from "ethers";
import { TenonError } from "../errors.js";
import { type DeviceKey, P256, SECP256K1 } from "../frame/key.js";
import { ProofError } from "../proof/error.js";
import { Part } from "../proof/form.js";
import {
  ACTIVATION_FORMAT,
  type Activation,
  type FactoryList,
  LIST_FORMAT,
  type ListedDevice,
} from "./list.js";
import type { Application } from "./model.js";
import type { HandOver } from "./ownership.js";
import type { Parameters } from "./parameters.js";
import { type DeviceVoucher, VOUCHER_FORMAT } from "./voucher.js";

const APPLICATION_FORMAT = "tenon-application-v1";
const HAND_OVER_FORMAT = "tenon-hand-over-v1";

/*
 * Lists, activations and vouchers come from elsewhere. Reading one checks the form of every part and drops what is not
 * part of it. Throws TenonError `FormInvalid`.
 */

export function factoryListFrom(value: unknown): FactoryList {
  return reading(value, LIST_FORMAT, (part) => ({
    format: LIST_FORMAT,
    ...placeOf(part),
    maker: part.count("maker"),
    root: part.hex("root", 32),
    count: part.count("count"),
    devices: part.parts("devices").map(listedFrom),
  }));
}

export function activationFrom(value: unknown): Activation {
  return reading(value, ACTIVATION_FORMAT, (part) => ({
    format: ACTIVATION_FORMAT,
    ...placeOf(part),
    maker: part.count("maker"),
    id: part.hex("id", 32),
    device: listedFrom(part.part("device")),
    root: part.hex("root", 32),
    count: part.count("count"),
    index: part.count("index"),
    path: part.hashes("path"),
  }));
}

export function voucherFrom(value: unknown): DeviceVoucher {
  return reading(value, VOUCHER_FORMAT, (part) => ({
    format: VOUCHER_FORMAT,
    ...placeOf(part),
    id: part.hex("id", 32),
    device: listedFrom(part.part("device")),
    maker: part.hex("maker", 20),
    buyer: part.count("buyer"),
    until: part.count("until"),
    signature: part.hex("signature"),
  }));
}

/** A line that `applicationToJson` wrote. Throws `FormInvalid` with the line. */
export function applicationFrom(text: string, line: number): Application {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw formInvalid({ field: `line ${line}`, expected: "JSON", given: text.slice(0, 80) });
  }
  return reading(value, APPLICATION_FORMAT, (part) => {
    const { activation, voucher } = value as { activation?: unknown; voucher?: unknown };
    const said = part.part("registration");
    const proof = part.part("proof");
    return {
      key: keyFrom(part.part("key")),
      registration: {
        chainId: said.big("chainId"),
        registry: said.hex("registry", 20),
        organisation: said.count("organisation"),
        owner: getAddress(said.hex("owner", 20)),
        parametersHash: said.hex("parametersHash", 32),
        certificateHash: said.hex("certificateHash", 32),
        deadline: said.big("deadline"),
      },
      proof: { r: proof.hex("r", 32), s: proof.hex("s", 32) },
      ...(activation === undefined ? {} : { activation: activationFrom(activation) }),
      ...(voucher === undefined ? {} : { voucher: voucherFrom(voucher) }),
    };
  });
}

/** An application as one line of JSON. */
export function applicationToJson(application: Application): string {
  return toJson({ format: APPLICATION_FORMAT, ...application });
}

export function handOverFrom(value: unknown): HandOver {
  return reading(value, HAND_OVER_FORMAT, (part) => {
    const terms = part.part("terms");
    const side = (name: "owner" | "recipient") => {
      if ((value as Record<string, unknown>)[name] === undefined) return {};
      const signed = part.part(name);
      return { [name]: { signer: getAddress(signed.hex("signer", 20)), signature: signed.hex("signature") } };
    };
    return {
      terms: {
        chainId: terms.big("chainId"),
        registry: terms.hex("registry", 20),
        device: terms.hex("device", 32),
        from: terms.count("from"),
        to: terms.count("to"),
        epoch: terms.count("epoch"),
        deadline: terms.big("deadline"),
      },
      ...side("owner"),
      ...side("recipient"),
    };
  });
}

export function handOverToJson(handOver: HandOver): string {
  return toJson({ format: HAND_OVER_FORMAT, ...handOver }, 2);
}

function toJson(value: object, indent?: number): string {
  const text = (_: string, field: unknown) => (typeof field === "bigint" ? field.toString() : field);
  return JSON.stringify(value, text, indent);
}

/** Reads a device key: `curve`, `x`, `y`. */
export function keyFrom(part: Part): DeviceKey {
  const curve = part.count("curve");
  if (curve !== P256 && curve !== SECP256K1) throw part.fault("curve", "1 or 8");
  return { curve, x: part.hex("x", 32), y: part.hex("y", 32) };
}

/** Runs a reader on a JSON value of a format. Throws `FormInvalid` with the field that is not as it should be. */
export function reading<T>(value: unknown, format: string, read: (part: Part) => T): T {
  const given = (value as { format?: unknown } | null | undefined)?.format;
  if (given !== format) throw formInvalid({ field: "format", expected: format, given });
  try {
    return read(new Part(value, format));
  } catch (error) {
    if (error instanceof ProofError) throw formInvalid(error.args);
    throw error;
  }
}

function placeOf(part: Part) {
  return { chainId: part.big("chainId").toString(), registry: part.hex("registry", 20) };
}

function listedFrom(part: Part): ListedDevice {
  const { parameters, salt } = (part.value ?? {}) as { parameters?: Parameters; salt?: unknown };
  return {
    key: keyFrom(part.part("key")),
    parametersHash: part.hex("parametersHash", 32),
    certificateHash: part.hex("certificateHash", 32),
    ...(salt === undefined ? {} : { parameters: textsFrom(part, parameters), salt: part.hex("salt", 32) }),
  };
}

function textsFrom(part: Part, parameters: unknown): Parameters {
  const values = typeof parameters === "object" && parameters !== null ? Object.values(parameters) : [0];
  if (values.some((text) => typeof text !== "string")) throw part.fault("parameters", "texts by name");
  return parameters as Parameters;
}

function formInvalid(args: Record<string, unknown>): TenonError {
  const { field, expected, given } = args;
  return new TenonError("FormInvalid", "The file has not the form it should have", {
    args: { field, expected, given },
    remedy: "Get it again from whoever made it: it was changed or cut short.",
  });
}
