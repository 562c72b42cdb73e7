/** What became of a transaction: asked until there is an answer. */
import type { Client, Hex, ReplacementReason, TransactionReceipt } from "viem";
import { waitForTransactionReceipt } from "viem/actions";

/** The node may have its hands full: it is not asked again at once. */
const PAUSE_MS = 2_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks again whenever the question itself fails. What was sent goes its way meanwhile: whoever called it failed because
 * a node was busy, or a connection lost, would have it sent twice.
 * @param isAnswer whether an error is a definite answer; no error is, by default
 */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { isAnswer = () => false, pauseMs = PAUSE_MS }: { isAnswer?: (error: unknown) => boolean; pauseMs?: number } = {},
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (isAnswer(error)) throw error;
      await pause(pauseMs);
    }
  }
}

export interface Mined {
  receipt: TransactionReceipt;
  /** Something else took its place: sped up in the wallet it is still the same call. */
  replaced: boolean;
}

/** Waits for a transaction, or what replaced it, to be in a block, as long as it takes: the page shows that it waits. */
export async function untilMined(client: Client, hash: Hex, pauseMs?: number): Promise<Mined> {
  let reason: ReplacementReason | undefined;
  const receipt = await untilAnswered(
    () =>
      waitForTransactionReceipt(client, {
        hash,
        timeout: 0,
        onReplaced: (replacement) => (reason = replacement.reason),
      }),
    { pauseMs },
  );
  return { receipt, replaced: reason === "cancelled" || reason === "replaced" };
}
