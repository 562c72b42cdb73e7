import type { Hex, TransactionReceipt } from "viem";

/** Where energy was sold. */
export type MarketName = "auction" | "direct";

export interface Spending {
  readonly transactions: number;
  readonly gas: bigint;
  /** What the sender paid for it, in the chain's smallest coin. */
  readonly wei: bigint;
}

const NOTHING: Spending = { transactions: 0, gas: 0n, wei: 0n };

/** What keeping has cost, and how much energy was settled meanwhile, by anybody; both since the start. */
export class Ledger {
  readonly #spent = new Map<string, Spending>();
  readonly #settled = new Map<MarketName, bigint>([
    ["auction", 0n],
    ["direct", 0n],
  ]);

  /** By kind of transaction: `report`, `clear`, `settle`, `close`, `reconcile`, or `cancel` for a freed nonce. */
  get spent(): ReadonlyMap<string, Spending> {
    return this.#spent;
  }

  /** Energy units. */
  get settled(): ReadonlyMap<MarketName, bigint> {
    return this.#settled;
  }

  get total(): Spending {
    return [...this.#spent.values()].reduce(plus, NOTHING);
  }

  /** @param label of the transaction; its first word is its kind. */
  pay(label: string, receipt: TransactionReceipt): void {
    const kind = label.split(" ")[0]!;
    // Chains on top of another one add what that one takes (OP Stack).
    const { l1Fee = "0x0" } = receipt as { l1Fee?: Hex | bigint };
    const wei = receipt.gasUsed * receipt.effectiveGasPrice + BigInt(l1Fee);
    this.#spent.set(kind, plus(this.#spent.get(kind) ?? NOTHING, { transactions: 1, gas: receipt.gasUsed, wei }));
  }

  settle(market: MarketName, energy: bigint): void {
    this.#settled.set(market, this.#settled.get(market)! + energy);
  }
}

function plus(a: Spending, b: Spending): Spending {
  return { transactions: a.transactions + b.transactions, gas: a.gas + b.gas, wei: a.wei + b.wei };
}
