import {
  type Abi,
  type Address,
  BaseError,
  type EncodeFunctionDataParameters,
  type Hex,
  type LocalAccount,
  type PublicClient,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  encodeFunctionData,
  formatGwei,
  keccak256,
  parseGwei,
} from "viem";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import { revertOf } from "./errors.ts";
import { MOST_GAS } from "./gas.ts";

interface Entry {
  id: number;
  label: string;
  nonce: number;
  target: Address;
  data: Hex;
  gas: bigint;
}

/** Wei. */
interface Fees {
  /** For a gas, tip included. */
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

interface Attempt extends Fees {
  hash: Hex;
  raw: Hex;
  cancels: boolean;
}

type EndStatus = "mined" | "reverted" | "cancelled" | "lost";

/** Where transactions are kept before they are sent. */
export interface OutboxStore {
  addOutbox(sender: string, entry: Omit<Entry, "id">, first: Attempt): Entry;
  addAttempt(outboxId: number, attempt: Attempt): void;
  setOutboxStatus(outboxId: number, status: EndStatus): void;
  openOutbox(sender: string): Entry[];
  /** Cheapest first. */
  attempts(outboxId: number): Attempt[];
}

export interface OutboxOptions {
  client: PublicClient;
  account: LocalAccount;
  chainId: number;
  store: OutboxStore;
  clock: Clock;
  log: Logger;
  pollMs: number;
  /** Most that a gas may cost, tip included, whatever the nodes say. */
  maxFeeGwei?: number;
  /** Without a receipt for so long, the fees are raised; while fees are above the limit, so long between two looks. */
  patienceMs?: number;
  /** Called with the receipt of everything this sender has paid for, whether it did what it should or not. */
  onPaid?: (label: string, receipt: TransactionReceipt) => void;
}

export interface Call {
  address: Address;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
}

/**
 * How a transaction ended.
 * `refused`: the simulation reverted, nothing was sent. `skipped`: the caller saw in the simulation's result that
 * sending is pointless. `cancelled`: it was not mined in time and its nonce has been freed. `lost`: another transaction
 * of this sender took its nonce, or the one before it is gone.
 */
export type Outcome =
  | { status: "mined"; hash: Hex }
  | { status: "skipped" }
  | { status: "refused"; error: string | undefined; reason: string }
  | { status: "reverted"; error: string | undefined; reason: string }
  | { status: "cancelled" }
  | { status: "lost" };

/** What a node said to a transaction. `refused`: for another reason than its fees, so that dearer would be no better. */
type Reception = "taken" | "too-cheap" | "refused";

/** A node refuses a replacement that raises either fee by less than 10 %; 12.5 % is above every client's rule. */
const BUMP_NUMERATOR = 9n;
const BUMP_DENOMINATOR = 8n;
const TRIES_BEFORE_CANCEL = 4;
/** Above what most chains ask on their worst days. */
export const MAX_FEE_GWEI = 500;
const GAS_OF_TRANSFER = 21_000n;
/** How Geth, Nethermind, Besu, Reth and Hardhat say it. */
const IS_KNOWN = /already known|already imported|nonce too low/i;
const IS_TOO_CHEAP =
  /underpriced|too low for the next block|less than block base fee|fee ?too ?low|below configured minimum/i;

/**
 * The one writer of this sender's transactions, one after the other:
 *
 *   simulate ──▶ sign ──▶ store ──▶ broadcast ──▶ watch every attempt ──▶ mined │ reverted │ cancelled │ lost
 *    ▲   │ fees     ▲                            │ no receipt in time
 *    └───┘ above    ├── fees + 12.5 % ◀──────────┤ taken, or too cheap
 *   the limit       │      the same once more ◀──┤ refused for another reason (no coin, no node), or above the limit
 *                   └── cancelling transfer ◀────┘ after four tries; its fees follow the market
 */
export class Outbox {
  readonly #options: Required<OutboxOptions>;
  #queue: Promise<unknown> = Promise.resolve();
  #signal: AbortSignal;
  #trouble: string | undefined;

  /** @param signal stops waiting; what has been broadcast is watched again after the next start. */
  constructor(options: OutboxOptions, signal: AbortSignal) {
    this.#options = { patienceMs: 30_000, maxFeeGwei: MAX_FEE_GWEI, onPaid: () => undefined, ...options };
    this.#signal = signal;
  }

  /** Why a transaction waits to be sent, or to be sent again; nothing while none does. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Takes up what an earlier run has left open. */
  recover(): Promise<void> {
    return this.#enqueue(async () => {
      const { store, account, log } = this.#options;
      for (const entry of store.openOutbox(account.address)) {
        log.info("transaction.recovered", { label: entry.label, nonce: entry.nonce });
        await this.#watch(entry, await this.#broadcast(store.attempts(entry.id).at(-1)!));
      }
    });
  }

  /**
   * Simulates the call and, unless it reverts or `worthwhile` says no to its result, sends it and waits for its end.
   * @throws when no node answers; nothing has been sent then, or it is watched again by `recover`.
   */
  send(label: string, call: Call, worthwhile: (result: unknown) => boolean = () => true): Promise<Outcome> {
    return this.#enqueue(() => this.#send(label, call, worthwhile));
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(() => {
      this.#signal.throwIfAborted();
      return work().finally(() => (this.#trouble = undefined));
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #send(label: string, call: Call, worthwhile: (result: unknown) => boolean): Promise<Outcome> {
    const { client, account, store, clock, log, patienceMs } = this.#options;
    for (;;) {
      const gas = await this.#simulate(call, worthwhile);
      if (typeof gas !== "bigint") return gas;
      const nonce = await this.#nextNonce();
      const fees = await client.estimateFeesPerGas();
      if (!this.#isAffordable(label, fees)) {
        await clock.sleep(patienceMs, this.#signal);
        continue; // it may have become pointless meanwhile
      }
      const data = encodeFunctionData(call as EncodeFunctionDataParameters);
      const draft = { label, nonce, target: call.address, data, gas };
      const first = await this.#sign(draft, fees, false);
      const entry = store.addOutbox(account.address, draft, first);
      const outcome = await this.#watch(entry, await this.#broadcast(first));
      if (outcome.status === "mined") log.debug("transaction.mined", { label, nonce, hash: outcome.hash });
      return outcome.status === "reverted" ? { ...outcome, ...(await this.#whyReverted(call)) } : outcome;
    }
  }

  /** Gas to send the call with, or why it is not sent. */
  async #simulate(call: Call, worthwhile: (result: unknown) => boolean): Promise<bigint | Outcome> {
    const { client, account } = this.#options;
    try {
      const { result } = await client.simulateContract({ ...call, account });
      if (!worthwhile(result)) return { status: "skipped" };
      const estimate = await client.estimateContractGas({ ...call, account });
      // The state may have moved on when it is mined; what is not used costs nothing.
      return smaller((estimate * 3n) / 2n, larger(estimate, MOST_GAS));
    } catch (error) {
      const revert = revertOf(error);
      if (!revert) throw error;
      return { status: "refused", error: revert.name, reason: revert.sentence };
    }
  }

  /** A node may be wrong about the market, or lie: it is believed up to the limit. */
  #isAffordable(label: string, { maxFeePerGas }: Fees): boolean {
    const { maxFeeGwei, log } = this.#options;
    const gwei = formatGwei(maxFeePerGas);
    const known = this.#trouble;
    if (maxFeePerGas <= parseGwei(String(maxFeeGwei))) {
      this.#trouble = undefined;
      if (known) log.info("transaction.affordable", { label, gwei });
      return true;
    }
    this.#trouble = `transactions wait: a gas costs ${gwei} gwei, and chain.maxFeeGwei allows ${maxFeeGwei}`;
    if (!known) log.warn("transaction.too-dear", { label, reason: this.#trouble });
    return false;
  }

  /**
   * The next one by the newest block: nothing can be missing before it. What somebody else has sent with this key, and is
   * not mined yet, has its chance first; a nonce behind it would wait for ever should the nodes forget it.
   */
  async #nextNonce(): Promise<number> {
    const { client, account, store, clock, pollMs, patienceMs } = this.#options;
    const { address } = account;
    const since = clock.monotonicMs();
    for (;;) {
      const mined = await client.getTransactionCount({ address, blockTag: "latest" });
      const pending = await client.getTransactionCount({ address, blockTag: "pending" });
      const own = store.openOutbox(address).at(-1)?.nonce ?? -1;
      if (pending <= mined || clock.monotonicMs() - since >= patienceMs) return Math.max(mined, own + 1);
      await clock.sleep(pollMs, this.#signal);
    }
  }

  async #sign(entry: Omit<Entry, "id">, fees: Fees, cancels: boolean): Promise<Attempt> {
    const { account, chainId } = this.#options;
    const { maxFeePerGas, maxPriorityFeePerGas } = fees;
    const common = { type: "eip1559", chainId, nonce: entry.nonce, maxFeePerGas, maxPriorityFeePerGas } as const;
    const raw = cancels
      ? await account.signTransaction({ ...common, to: account.address, gas: GAS_OF_TRANSFER })
      : await account.signTransaction({ ...common, to: entry.target, data: entry.data, gas: entry.gas });
    return { hash: keccak256(raw), raw, maxFeePerGas, maxPriorityFeePerGas, cancels };
  }

  /** Never throws: whether it is mined shows in the receipt, or in the lack of one. */
  async #broadcast(attempt: Attempt): Promise<Reception> {
    const { client, log } = this.#options;
    try {
      await client.sendRawTransaction({ serializedTransaction: attempt.raw });
      return "taken";
    } catch (error) {
      const text = error instanceof BaseError ? `${error.shortMessage} ${error.details}` : String(error);
      if (IS_KNOWN.test(text)) return "taken";
      // The node's own words; the library's are about "parameters", whatever it was.
      const reason = error instanceof BaseError && error.details ? error.details : reasonOf(error);
      log.warn("transaction.broadcast-failed", { hash: attempt.hash, reason });
      return IS_TOO_CHEAP.test(text) ? "too-cheap" : "refused";
    }
  }

  async #watch(entry: Entry, heard: Reception): Promise<Outcome> {
    const { client, account, clock, store, log, pollMs, patienceMs } = this.#options;
    let attempts = store.attempts(entry.id);
    let tries = attempts.length;
    let waitedSince = clock.monotonicMs();
    let missing = 0;
    for (;;) {
      this.#signal.throwIfAborted();
      try {
        // The nonce is read first: if it is taken and no attempt has a receipt then, none will ever have one. Seen twice,
        // because behind one address there may be nodes that are not equally far.
        const confirmed = await client.getTransactionCount({ address: account.address, blockTag: "latest" });
        const receipt = await this.#receiptOf(attempts);
        missing = confirmed > entry.nonce && !receipt ? missing + 1 : 0;
        if (receipt || missing > 1) return this.#end(entry, attempts, receipt);
        if (clock.monotonicMs() - waitedSince >= patienceMs) {
          if (confirmed < entry.nonce && (await this.#isStranded(entry))) return this.#end(entry, attempts, undefined);
          heard = await this.#insist(entry, attempts.at(-1)!, heard, tries++);
          attempts = store.attempts(entry.id);
          waitedSince = clock.monotonicMs();
        }
      } catch (error) {
        log.debug("transaction.watch-failed", { label: entry.label, reason: reasonOf(error) });
      }
      await clock.sleep(pollMs, this.#signal);
    }
  }

  #end(entry: Entry, attempts: Attempt[], receipt: TransactionReceipt | undefined): EndOf {
    const { store, log, onPaid } = this.#options;
    const end = endOf(attempts, receipt);
    store.setOutboxStatus(entry.id, end.status);
    if (end.status !== "mined") log.warn(`transaction.${end.status}`, { label: entry.label, nonce: entry.nonce });
    if (receipt) onPaid(end.status === "cancelled" ? "cancel" : entry.label, receipt);
    return end;
  }

  /**
   * Whether the one before it is neither mined nor waiting: a reorg has removed it, and without it this one is never mined.
   * Whoever asked for either decides anew, by what the chain shows; should this one be mined after all, it does no harm.
   */
  async #isStranded({ nonce }: Entry): Promise<boolean> {
    const { client, account } = this.#options;
    return (await client.getTransactionCount({ address: account.address, blockTag: "pending" })) < nonce;
  }

  async #receiptOf(attempts: Attempt[]): Promise<TransactionReceipt | undefined> {
    for (const { hash } of attempts) {
      try {
        return await this.#options.client.getTransactionReceipt({ hash });
      } catch (error) {
        if (!(error instanceof TransactionReceiptNotFoundError)) throw error;
      }
    }
    return undefined;
  }

  /**
   * Nothing has been mined in time: the nodes are told again, with higher fees where those may help; after a while the
   * nonce is freed by a transfer of nothing. Once that is out, fees rise with the market only: a chain that stands still
   * for hours must not become dearer and dearer. No fee rises above the limit.
   */
  async #insist(entry: Entry, last: Attempt, heard: Reception, tries: number): Promise<Reception> {
    const { client, store, log } = this.#options;
    const market = await client.estimateFeesPerGas();
    const cancels = last.cancels || tries > TRIES_BEFORE_CANCEL;
    const isBelowMarket = market.maxFeePerGas > last.maxFeePerGas;
    const helps = heard === "too-cheap" || isBelowMarket || (heard === "taken" && !last.cancels);
    if (!helps && cancels === last.cancels) return this.#broadcast(last);
    const fees = {
      maxFeePerGas: larger(bump(last.maxFeePerGas), market.maxFeePerGas),
      maxPriorityFeePerGas: larger(bump(last.maxPriorityFeePerGas), market.maxPriorityFeePerGas),
    };
    if (!this.#isAffordable(entry.label, fees)) return this.#broadcast(last);
    const attempt = await this.#sign(entry, fees, cancels);
    store.addAttempt(entry.id, attempt);
    log.warn(cancels ? "transaction.cancelling" : "transaction.fees-raised", {
      label: entry.label,
      nonce: entry.nonce,
      ...fees,
    });
    return this.#broadcast(attempt);
  }

  async #whyReverted(call: Call): Promise<{ error: string | undefined; reason: string }> {
    const { client, account } = this.#options;
    try {
      await client.simulateContract({ ...call, account });
      return { error: undefined, reason: "reverted when it was mined; the state has changed since" };
    } catch (error) {
      const revert = revertOf(error);
      return { error: revert?.name, reason: revert?.sentence ?? reasonOf(error) };
    }
  }
}

type EndOf = Extract<Outcome, { status: EndStatus }>;

/** @param receipt nothing when another transaction has the nonce. */
function endOf(attempts: Attempt[], receipt: TransactionReceipt | undefined): EndOf {
  if (!receipt) return { status: "lost" };
  const hash = receipt.transactionHash;
  if (attempts.find((attempt) => attempt.hash === hash)?.cancels) return { status: "cancelled" };
  if (receipt.status === "success") return { status: "mined", hash };
  return { status: "reverted", error: undefined, reason: "reverted when it was mined" };
}

/** At least one more: a node takes no replacement with an equal fee, and a tip may be 0. */
function bump(fee: bigint): bigint {
  return larger((fee * BUMP_NUMERATOR + BUMP_DENOMINATOR - 1n) / BUMP_DENOMINATOR, fee + 1n);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
