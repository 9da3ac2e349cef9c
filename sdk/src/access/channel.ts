import type { Duplex } from "node:stream";
import { TenonError } from "../errors.js";
import type { AllowedAccess, DeviceGuard } from "./guard.js";
import { type AccessMessage, Kind, readMessage, writeMessage } from "./messages.js";
import type { AccessReason } from "./reasons.js";
import type { Requester } from "./requester.js";

/** Longest message on a stream. */
const MAX_LENGTH = 140_000;

/** Messages over a byte stream (TCP, TLS, a serial line): four bytes of length, then the message. */
export class AccessChannel {
  readonly #stream: Duplex;
  readonly #messages: AsyncGenerator<Uint8Array>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#messages = messagesOf(stream);
  }

  async send(message: AccessMessage): Promise<void> {
    const bytes = writeMessage(message);
    const framed = Buffer.alloc(4 + bytes.length);
    framed.writeUInt32BE(bytes.length);
    framed.set(bytes, 4);
    await new Promise<void>((resolve, reject) =>
      this.#stream.write(framed, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** The next message; `undefined` when the other side ended. @throws TenonError `AccessMessageMalformed`. */
  async receive(): Promise<AccessMessage | undefined> {
    const { value, done } = await this.#messages.next();
    return done === true ? undefined : readMessage(value);
  }

  /** The next message, which must be of this kind. @throws TenonError `AccessChannelEnded`, `AccessMessageUnexpected`. */
  async expect<K extends AccessMessage["kind"]>(kind: K): Promise<Extract<AccessMessage, { kind: K }>> {
    const message = await this.receive();
    if (message?.kind === kind) return message as Extract<AccessMessage, { kind: K }>;
    throw new TenonError(
      message === undefined ? "AccessChannelEnded" : "AccessMessageUnexpected",
      "The other side did not answer as it should",
      { args: { expected: kind, found: message?.kind ?? "the end" }, remedy: "Connect again." },
    );
  }

  end(): void {
    this.#stream.end();
  }
}

async function* messagesOf(stream: Duplex): AsyncGenerator<Uint8Array> {
  let buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    buffer = Buffer.concat([buffer, chunk as Buffer]);
    while (buffer.length >= 4) {
      const length = buffer.readUInt32BE();
      if (length > MAX_LENGTH) {
        throw new TenonError("AccessMessageMalformed", "A message is longer than any may be", {
          args: { bytes: length, limit: MAX_LENGTH },
          remedy: "Connect to a device's access service.",
        });
      }
      if (buffer.length < 4 + length) break;
      yield new Uint8Array(buffer.subarray(4, 4 + length));
      buffer = buffer.subarray(4 + length);
    }
  }
}

/**
 * Serves one connection at the device until the other side ends. `act` does what an allowed request asks for and gives
 * its result; when it throws, the connection ends without an answer.
 */
export async function serveAccess(
  channel: AccessChannel,
  guard: DeviceGuard,
  act: (access: AllowedAccess) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  for (;;) {
    const message = await channel.receive();
    if (message === undefined) break;
    await channel.send(await replyTo(message, guard, act));
  }
  channel.end();
}

async function replyTo(
  message: AccessMessage,
  guard: DeviceGuard,
  act: (access: AllowedAccess) => Uint8Array | Promise<Uint8Array>,
): Promise<AccessMessage> {
  switch (message.kind) {
    case Kind.hello:
      return guard.prove(message.challenge);
    case Kind.request: {
      const decision = guard.decide(message.pass, message.request);
      return decision.answer(decision.allowed === undefined ? undefined : await act(decision.allowed));
    }
    case Kind.handOver:
      return { kind: Kind.taken, reason: guard.takeHandOver(message.document) };
    case Kind.notice:
      return { kind: Kind.taken, reason: guard.takeNotice(message.document) };
    default:
      throw new TenonError("AccessMessageUnexpected", "A device does not take this message", {
        args: { kind: message.kind },
        remedy: "Send hello, a request, a hand-over or a notice.",
      });
  }
}

/** Meets the device; call once for each connection, before the first {@link ask}. */
export async function meet(channel: AccessChannel, requester: Requester): Promise<void> {
  await channel.send(requester.hello());
  requester.meet((await channel.expect(Kind.proof)).proof);
}

/** Asks for one action and gives its result. @throws AccessRefused with the device's reason. */
export async function ask(
  channel: AccessChannel,
  requester: Requester,
  permissions: bigint,
  action: Uint8Array,
): Promise<Uint8Array> {
  await channel.send(requester.request(permissions, action));
  return requester.result((await channel.expect(Kind.answer)).answer);
}

/** Brings a hand-over or an owner's notice to the device; says what it made of it. */
export async function bring(
  channel: AccessChannel,
  kind: typeof Kind.handOver | typeof Kind.notice,
  document: Uint8Array,
): Promise<AccessReason> {
  await channel.send({ kind, document });
  return (await channel.expect(Kind.taken)).reason as AccessReason;
}
