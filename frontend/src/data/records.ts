/** What the ledger knows; see `ledger.ts`. */
import type { Address, Hex, OrderKey } from "@ioe/protocol";

export interface Meter {
  id: number;
  owner: Address;
  trader: Address;
  /** See `KINDS`. */
  kind: number;
  maxPowerW: number;
  active: boolean;
}

/** Somebody's time as the owner of a meter: until the next one's. */
export interface Tenure {
  owner: Address;
  /** Block in which it began. */
  sinceBlock: bigint;
}

/** Money a market gave to the grid operator or the dust account, base units. */
export interface Credit {
  amount: bigint;
  inBlock: bigint;
  transaction: Hex;
}

export type Outcome = "complete" | "short" | "nothing";

export interface DeliveryRecord {
  id: bigint;
  listingId: bigint;
  seller: Address;
  buyer: Address;
  sellerMeterId: number;
  buyerMeterId: number;
  /** Energy units. */
  energy: bigint;
  delivered: bigint;
  /** The delivered energy by slot, energy units. */
  bySlot: ReadonlyMap<number, bigint>;
  /** Base units per kWh: what the seller gets. */
  price: bigint;
  /** What comes on top for the grid, base units per kWh. */
  gridFee: bigint;
  /** What the buyer set aside at the purchase, base units. */
  locked: bigint;
  /** Base units the seller has been paid. */
  paid: bigint;
  deadline: number;
  boughtInBlock: bigint;
  endedEarly: boolean;
  outcome: Outcome | undefined;
  closedInBlock: bigint | undefined;
  /** What the bill says, base units; dust = cost − sellerPaid − gridFee. */
  bill: { cost: bigint; sellerPaid: bigint; gridFee: bigint; refund: bigint } | undefined;
}

/** An order of the auction that was not taken back. Energy in energy units, money in base units. */
export interface OrderRecord extends OrderKey {
  id: bigint;
  account: Address;
  energy: bigint;
  locked: bigint;
  placedInBlock: bigint;
  /** What it came to; undefined until it is settled. See `OrderSettled`. */
  settled: { filled: bigint; energy: bigint; money: bigint; fee: bigint; penalty: bigint; inBlock: bigint } | undefined;
}

/** A slot somebody placed an order for. Prices in base units per kWh. */
export interface AuctionRecord {
  slot: number;
  feedIn: bigint;
  retail: bigint;
  gridFee: bigint;
  /** Price (the seller's) and volume; both zero when nothing matched. */
  cleared: { price: bigint; volume: bigint } | undefined;
  clearedInBlock?: bigint;
  /** Energy the sellers delivered, once that is known, and the grid fee for it. */
  delivered: bigint | undefined;
  fee: Credit | undefined;
  /** What rounding left when the last order was settled. */
  dust: Credit | undefined;
}

/** A listing as far as it is not cancelled. Energy in energy units, price in base units per kWh. */
export interface ListingRecord {
  id: bigint;
  account: Address;
  meterId: number;
  /** Less what is being delivered; what was not delivered came back. */
  remaining: bigint;
  minEnergy: bigint;
  mode: "fixed" | "index";
  /** An index listing's floor. */
  price: bigint;
  expiresAt: number;
}

/** Money that went into the vault or out of it, base units. */
export interface MoneyMove {
  kind: "deposited" | "withdrawn";
  amount: bigint;
  inBlock: bigint;
  transaction: Hex;
}

export interface Ledger {
  /** Unix seconds of the blocks of trades and moves of money, as far as the node says them along with the logs. */
  times: ReadonlyMap<bigint, number>;
  meters: ReadonlyMap<number, Meter>;
  /** Meter → its owners, the first one first. */
  tenures: ReadonlyMap<number, readonly Tenure[]>;
  /** Meters that wait for a new owner to accept them → whom and since when. */
  offered: ReadonlyMap<number, { to: Address; inBlock: bigint }>;
  /** Listings that were not cancelled, in order; sold out and expired ones included. */
  listings: ReadonlyMap<bigint, ListingRecord>;
  deliveries: ReadonlyMap<bigint, DeliveryRecord>;
  auctions: ReadonlyMap<number, AuctionRecord>;
  orders: ReadonlyMap<bigint, OrderRecord>;
  /** account (lower case) → its deposits and withdrawals, oldest first. */
  moves: ReadonlyMap<string, readonly MoneyMove[]>;
  /** account (lower case) → certificate id → energy units. */
  certificates: ReadonlyMap<string, ReadonlyMap<bigint, bigint>>;
  /** Certificates that wait for an account which refused them. */
  held: ReadonlyMap<string, ReadonlyMap<bigint, bigint>>;
}
