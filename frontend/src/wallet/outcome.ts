/** What became of a transaction: asked until there is an answer. */
import type { Address } from "@ioe/protocol";
import { type Client, type Hex, type ReplacementReason, TransactionNotFoundError, type TransactionReceipt } from "viem";
import { getTransaction, getTransactionCount, waitForTransactionReceipt } from "viem/actions";

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

/** What tells what took a transaction's place: of the same account and number, and for the same call or another. */
export interface SentAs {
  from: Address;
  nonce: number;
  to: Address | null;
  input: Hex;
}

/** Nobody will say any more what became of a transaction: it is gone, and so is its number or every trace of it. */
export class Superseded extends Error {}

/** Looks in a row that find neither a transaction nor its receipt before nobody expects either. */
const LOOKS = 60;
/** So many once another one has used its number: what took its place is found by then, or was in an older block. */
const LOOKS_WHEN_USED = 3;

/**
 * Waits for a transaction, or what replaced it, to be in a block, as long as it takes: the page shows that it waits.
 * @param known what is known of it already; of a page that was left before, for one.
 * @param onSeen is told as soon as a node shows it: worth keeping, since a node forgets what was replaced.
 * @throws Superseded when there is nothing left to wait for.
 */
export async function untilMined(
  client: Client,
  hash: Hex,
  { known, onSeen, pauseMs }: { known?: SentAs; onSeen?: (as: SentAs) => void; pauseMs?: number } = {},
): Promise<Mined> {
  let seen = known;
  let reason: ReplacementReason | undefined;
  const end = new AbortController();
  const see = async () => {
    const { from, nonce, to, input } = await getTransaction(client, { hash });
    if (!seen) onSeen?.((seen = { from, nonce, to, input }));
  };
  const watch = async () => {
    let [without, used] = [0, 0];
    for (; !end.signal.aborted; await pause(pauseMs ?? client.pollingInterval * 3)) {
      try {
        await see();
        [without, used] = [0, 0];
      } catch (error) {
        if (!(error instanceof TransactionNotFoundError)) continue;
        used = seen && (await numberOf(client, seen.from)) > seen.nonce ? used + 1 : 0;
        // One that takes its place may wait for long as well: then its number is not used, but known.
        if (used >= LOOKS_WHEN_USED || (++without >= LOOKS && !seen)) end.abort(new Superseded(hash));
      }
    }
  };
  const watching = watch();
  try {
    const receipt = await untilAnswered(
      () =>
        waitForTransactionReceipt(client, {
          hash,
          timeout: 0,
          signal: end.signal,
          ...(seen && { replacement: { ...seen, value: 0n } }),
          onReplaced: (replacement) => (reason = replacement.reason),
        }),
      { pauseMs, isAnswer: (error) => error instanceof Superseded },
    );
    return { receipt, replaced: reason === "cancelled" || reason === "replaced" };
  } finally {
    end.abort(new Superseded(hash));
    void watching;
  }
}

/** Number of the account's next transaction; while no node says so, lower than any. */
const numberOf = (client: Client, address: Address) =>
  getTransactionCount(client, { address, blockTag: "latest" }).catch(() => -1);
