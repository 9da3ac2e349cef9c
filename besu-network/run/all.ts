/** Waits for all to come to their end before the first failure is thrown: nothing goes on unseen. */
export async function allOf(work: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
