import { type Hex, toHex } from "../../sdk/src/bytes.js";
import { multikey, publicKeyOf } from "../../sdk/src/did/multikey.js";
import { encodeDocument } from "../../sdk/src/did/publication.js";
import type { DidWorld } from "./dids.js";
import { makeKey } from "./keys.js";

/** One change of a device, and what its document shows from then on. */
export interface Change {
  /** 0 until all are mined when they go into one block. */
  block: number;
  /** The other name that counts; a new key ends the publication. */
  readonly name: string | undefined;
  readonly multikey: string;
}

/** Every so many changes the key is rotated; the others are publications. */
const ROTATION_EVERY = 25;

/**
 * Registers a device and changes it `count` times, each in a block of its own or all in one. Sent as raw requests:
 * ten thousand of them shall not take minutes.
 */
export async function changesOf(
  world: DidWorld,
  count: number,
  inOneBlock: boolean,
): Promise<{ device: Hex; changes: Change[] }> {
  const birth = await world.born();
  const changes: Change[] = [];
  const send = async () => {
    let key = birth;
    let epoch = 1;
    const first = (await world.ethers.provider.getBlockNumber()) + 1;
    for (let i = 0; i < count; i++) {
      const rotates = i % ROTATION_EVERY === ROTATION_EVERY - 1;
      const name = rotates ? undefined : `urn:change:${i}`;
      if (rotates) {
        const fresh = makeKey(1);
        await world.send(world.rotation(birth.id, epoch++, key, fresh));
        key = fresh;
      } else {
        await world.send(world.publication(birth.id, toHex(encodeDocument({ alsoKnownAs: [name!] }))));
      }
      changes.push({ block: first + i, name, multikey: multikey(publicKeyOf(key)) });
    }
  };
  if (!inOneBlock) {
    await send();
    return { device: birth.id, changes };
  }
  const block = await world.inOneBlock(send);
  return { device: birth.id, changes: changes.map((change) => ({ ...change, block })) };
}
