import type { Hex } from "@ioe/protocol";
import { getBlock } from "viem/actions";
import type { Tell } from "./history.ts";
import type { Shelf } from "./shelf.ts";
import type { Zone } from "./zone.ts";

/** Blocks near the head are read again every time, because a reorganisation may still replace them. */
const REORG_DEPTH = 12n;
/** Blocks of the first piece, and of the largest: most public nodes refuse more in one question. */
const [FIRST_PIECE, LARGEST_PIECE] = [1_000n, 10_000n];
/** A piece with fewer logs is followed by a larger one, one with more by a smaller one: the page lives between pieces. */
const [FEW_LOGS, MANY_LOGS] = [1_000, 4_000];
/** So many new blocks are worth writing what they add up to again. */
const KEEP_EVERY = 500n;

interface AnyLog {
  blockNumber: bigint;
  blockHash: Hex | null;
  logIndex: number | null;
}

/** How logs add up. `add` takes them in chain order and leaves the sum it is given as it was. */
export interface Fold<Log, Sum> {
  empty: Sum;
  add(sum: Sum, logs: readonly Log[]): Sum;
}

/** A sum as of a block of this very chain. */
export interface Kept<Sum> {
  upTo: bigint;
  hash: Hex;
  sum: Sum;
}

type Read<Log> = (fromBlock: bigint, toBlock: bigint) => Promise<Log[]>;

/**
 * Reads logs in pieces that nodes answer and that a page takes in without a halt. A piece that is refused, because it
 * would hold too many logs or blocks, is halved, and none is longer from then on.
 * @param take gets each piece in chain order, with the last block it holds
 */
export async function readInPieces<Log>(
  fromBlock: bigint,
  toBlock: bigint,
  read: Read<Log>,
  take: (logs: Log[], upTo: bigint) => void,
): Promise<void> {
  let most = LARGEST_PIECE;
  let span = FIRST_PIECE;
  for (let from = fromBlock; from <= toBlock;) {
    const to = least(from + span - 1n, toBlock);
    let logs: Log[];
    try {
      logs = await read(from, to);
    } catch (error) {
      if (to === from || isSilence(error)) throw error;
      most = span = (to - from + 1n) / 2n;
      continue;
    }
    take(logs, to);
    from = to + 1n;
    if (logs.length < FEW_LOGS) span = least(2n * span, most);
    else if (logs.length > MANY_LOGS && span > 1n) span /= 2n;
  }
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);

/** The node said nothing at all, so that a smaller question would not help. */
function isSilence(error: unknown): boolean {
  const { name, status } = error as { name?: string; status?: number };
  return (name === "HttpRequestError" && status === undefined) || name === "TimeoutError";
}

/**
 * What a kind of log since the deployment adds up to: read once, carried forward with one request per block, and kept in
 * the browser, so that the next visit goes on where this one stopped.
 */
export function followLogs<Log extends AnyLog, Sum>(
  zone: Pick<Zone, "client" | "longReads" | "deployment">,
  read: (client: Zone["client"], ...blocks: Parameters<Read<Log>>) => Promise<Log[]>,
  fold: Fold<Log, Sum>,
  { shelf, tell }: { shelf?: Shelf<Kept<Sum>>; tell?: Tell } = {},
) {
  let settled = fold.empty;
  let settledUpTo = BigInt(zone.deployment.deploymentBlock) - 1n;
  let keptUpTo: bigint | undefined;
  let recentKey = "";
  let sum = fold.empty;
  let running: Promise<Sum> | undefined;

  async function hashOf(blockNumber: bigint): Promise<Hex | null> {
    return (await getBlock(zone.client, { blockNumber })).hash;
  }

  /** Takes up what the last visit kept, unless the chain has since replaced the block it ended with. */
  async function takeUp(): Promise<void> {
    if (keptUpTo !== undefined) return;
    const kept = await shelf?.load();
    if (kept && (await hashOf(kept.upTo).catch(() => null)) === kept.hash) {
      [settled, sum, settledUpTo] = [kept.sum, kept.sum, kept.upTo];
    }
    keptUpTo = settledUpTo;
  }

  async function keep(): Promise<void> {
    if (!shelf || keptUpTo === undefined || settledUpTo < keptUpTo + KEEP_EVERY) return;
    const [upTo, now] = [settledUpTo, settled];
    keptUpTo = upTo;
    const hash = await hashOf(upTo);
    if (hash) await shelf.save({ upTo, hash, sum: now });
  }

  async function advance(head: bigint): Promise<Sum> {
    await takeUp();
    const firm = head - REORG_DEPTH > settledUpTo ? head - REORG_DEPTH : settledUpTo;
    let changed = false;
    let recent: Log[] = [];
    const before = settledUpTo;
    const of = head - before;
    const isLong = of > FIRST_PIECE;
    const tellOf = (upTo: bigint) => isLong && tell?.({ read: upTo - before, of });
    const readPiece: Read<Log> = (from, to) => read(isLong ? zone.longReads : zone.client, from, to);
    tellOf(before);
    await readInPieces(before + 1n, head, readPiece, (logs, upTo) => {
      const old = logs.filter(({ blockNumber }) => blockNumber <= firm);
      if (old.length > 0) settled = fold.add(settled, old);
      changed ||= old.length > 0;
      recent = recent.concat(logs.slice(old.length));
      settledUpTo = least(upTo, firm);
      tellOf(upTo);
    });
    const key = recent.map((log) => `${log.blockHash}:${log.logIndex}`).join();
    if (changed || key !== recentKey) {
      recentKey = key;
      sum = recent.length > 0 ? fold.add(settled, recent) : settled;
    }
    keep().catch(() => undefined); // the next visit reads a little more
    return sum;
  }

  return {
    /** The sum as of a block. Calls at the same time share one reading. */
    upTo(head: bigint): Promise<Sum> {
      running ??= advance(head).finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}
