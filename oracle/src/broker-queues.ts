import type { Aedes } from "aedes";

/** Counts what waits in the broker's memory and keeps it within bounds. */
export interface QueueLimits {
  /** True when a session that subscribes to this topic has as many messages waiting as it may. */
  isFull(topic: string): Promise<boolean>;
  total(): number;
  /** Messages not queued because their client had too many waiting. */
  dropped: number;
}

/** The part of aedes' store for sessions that queues go through; aedes has no limit of its own. */
interface SessionStore {
  subscriptionsByTopic(topic: string): Promise<{ clientId: string }[]>;
  outgoingEnqueueCombi(subscribers: { clientId: string }[], packet: unknown): Promise<void>;
  outgoingClearMessageId(client: { id: string }, packet: unknown): Promise<unknown>;
}

export function limitQueues(aedes: Aedes, limit: number): QueueLimits {
  const store = (aedes as unknown as { persistence: SessionStore }).persistence;
  const waiting = new Map<string, number>();
  const count = (client: string) => waiting.get(client) ?? 0;
  const enqueue = store.outgoingEnqueueCombi.bind(store);
  const clear = store.outgoingClearMessageId.bind(store);
  const limits: QueueLimits = {
    isFull: async (topic) =>
      (await store.subscriptionsByTopic(topic)).some((one) => count(one.clientId) >= limit),
    total: () => [...waiting.values()].reduce((sum, one) => sum + one, 0),
    dropped: 0,
  };

  store.outgoingEnqueueCombi = async (subscribers, packet) => {
    const room = subscribers.filter((one) => count(one.clientId) < limit);
    limits.dropped += subscribers.length - room.length;
    for (const { clientId } of room) waiting.set(clientId, count(clientId) + 1);
    await enqueue(room, packet);
  };
  store.outgoingClearMessageId = async (client, packet) => {
    const cleared = await clear(client, packet);
    if (cleared !== undefined) waiting.set(client.id, count(client.id) - 1);
    if (count(client.id) <= 0) waiting.delete(client.id);
    return cleared;
  };
  return limits;
}
