import { type Deployment, packOrderId, unpackOrderId } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi, tariffAbi, vaultAbi } from "@ioe/protocol/abi";
import type { Abi, PublicClient } from "viem";
import type { PlacedOrder, Promised, Tariff, Wanted } from "./plan.ts";

/** What tells an order from another one under the same key. */
export type SentOrder = Pick<PlacedOrder, "id" | "slot" | "energy">;

export interface OrderBook {
  /** Every order that was ever placed for our meter in a slot. */
  ordersIn(slot: number): bigint[];
  /** Keeps what is about to be placed, before it is; nobody asks about slots before `first` any more. */
  addOwnOrders(orders: readonly SentOrder[], first: number): void;
  isOwnOrder(order: Pick<SentOrder, "id" | "energy">): boolean;
}

/** Times in seconds, energy in units, prices in base units per kWh; see the contracts. */
export interface MarketConstants {
  readonly slotDuration: number;
  readonly claimWindow: number;
  readonly gateClosure: number;
  readonly openAhead: number;
  readonly unitsPerKWh: bigint;
  readonly minOrder: bigint;
  readonly minPrice: bigint;
  readonly tickSize: bigint;
}

/** The meter's owner and his account. */
export interface Standing {
  readonly owner: `0x${string}`;
  readonly freeMoney: bigint;
  readonly maxPowerW: number;
  readonly onlyBuys: boolean;
  /** Why nothing can be traded, and what to do about it. */
  readonly obstacle: string | undefined;
}

/** Status of an auction, as in ICallAuction. */
const [NONE, OPEN, CLEARED] = [0, 1, 2];
/** Load and Grid: kinds of meters that have nothing to sell, see IMeterRegistry. */
const ONLY_BUYS = [0, 5];
/** With the vault's errors: the auction passes them on. */
const AUCTION: Abi = [...callAuctionAbi, ...vaultAbi.filter(({ type }) => type === "error")];
const SIDE = { bid: 0, ask: 1 } as const;

/** The zone as somebody sees it who trades for one meter. Reads only; what it would send, it hands out as a call. */
export class Market {
  readonly #client: PublicClient;
  readonly #contracts: Deployment["contracts"];
  readonly #meterId: number;
  readonly #book: OrderBook;

  constructor(client: PublicClient, deployment: Deployment, meterId: number, book: OrderBook) {
    this.#client = client;
    this.#contracts = deployment.contracts;
    this.#meterId = meterId;
    this.#book = book;
  }

  async constants(): Promise<MarketConstants> {
    const [registry, auction, tariff] = [this.#registry(), this.#auction(), this.#tariff()];
    const [slotDuration, claimWindow, unitsPerKWh, gateClosure, openAhead, minOrder, minPrice, tickSize] =
      await Promise.all([
        this.#client.readContract({ ...registry, functionName: "slotDuration" }),
        this.#client.readContract({ ...registry, functionName: "claimWindow" }),
        this.#client.readContract({ ...registry, functionName: "unitsPerKWh" }),
        this.#client.readContract({ ...auction, functionName: "gateClosure" }),
        this.#client.readContract({ ...auction, functionName: "openAhead" }),
        this.#client.readContract({ ...auction, functionName: "minOrder" }),
        this.#client.readContract({ ...tariff, functionName: "minPrice" }),
        this.#client.readContract({ ...tariff, functionName: "tickSize" }),
      ]);
    return {
      ...{ slotDuration, claimWindow, gateClosure, openAhead, minPrice, tickSize },
      unitsPerKWh: BigInt(unitsPerKWh),
      minOrder: BigInt(minOrder),
    };
  }

  /** @param trader whose right to trade is looked at. */
  async standing(trader: `0x${string}`): Promise<Standing> {
    const meterId = this.#meterId;
    const vault = { address: this.#contracts.Vault, abi: vaultAbi } as const;
    const { owner, active, maxPowerW, kind } = await this.#client.readContract({
      ...this.#registry(),
      functionName: "meterOf",
      args: [meterId],
    });
    const [mayTrade, paused, allowed, freeMoney] = await Promise.all([
      this.#client.readContract({ ...this.#registry(), functionName: "mayTrade", args: [meterId, trader] }),
      this.#client.readContract({ ...this.#auction(), functionName: "paused" }),
      this.#client.readContract({ ...vault, functionName: "allowed", args: [owner, this.#contracts.CallAuction] }),
      this.#client.readContract({ ...vault, functionName: "free", args: [owner] }),
    ]);
    const obstacle = !mayTrade
      ? `${trader} is not the trader of meter ${meterId}; its owner (${owner}) can make it so with setTrader`
      : !active
        ? `the operator has made meter ${meterId} inactive`
        : paused
          ? "the guardian has paused the auction"
          : !allowed
            ? `${owner} does not let the auction lock money of the vault; it can allow that in the dApp (setAllowed)`
            : undefined;
    return { owner, freeMoney, maxPowerW, onlyBuys: ONLY_BUYS.includes(kind), obstacle };
  }

  /** A slot's prices and our meter's orders in it; what it expects is for others to say. */
  async slot(
    slot: number,
    owner: `0x${string}`,
    { minPrice, tickSize }: MarketConstants,
  ): Promise<{ slot: number; tariff: Tariff; orders: PlacedOrder[]; cleared: boolean }> {
    const auction = await this.#client.readContract({
      ...this.#auction(),
      functionName: "auctionOf",
      args: [slot],
    });
    const ladder = { minPrice, tickSize };
    const at = (ticks: number) => BigInt(ticks) * tickSize;
    const tariff: Tariff =
      auction.status === NONE
        ? { ...ladder, ...(await this.#announced(slot)) }
        : {
            ...ladder,
            feedIn: minPrice + at(auction.feedInTick),
            retail: minPrice + at(auction.retailTick),
            gridFee: at(auction.feeTicks),
          };
    const ids = this.#book.ordersIn(slot);
    const orders = await Promise.all(ids.map((id) => this.#order(id, owner, auction.status)));
    return {
      slot,
      tariff,
      orders: orders.filter((order) => order !== undefined),
      cleared: auction.status === CLEARED,
    };
  }

  async #order(id: bigint, owner: string, status: number): Promise<PlacedOrder | undefined> {
    const [account, size] = await this.#client.readContract({
      ...this.#auction(),
      functionName: "orderOf",
      args: [id],
    });
    // Cancelled or settled.
    if (size === 0) return undefined;
    const energy = BigInt(size);
    const by = account !== owner ? "stranger" : this.#book.isOwnOrder({ id, energy }) ? "agent" : "owner";
    const order = { id, ...unpackOrderId(id), energy, by } as const;
    if (status === OPEN) return { ...order, due: energy };
    const filled = await this.#client.readContract({ ...this.#auction(), functionName: "fillOf", args: [id] });
    return { ...order, due: status === CLEARED ? BigInt(filled) : 0n };
  }

  async #announced(slot: number): Promise<Pick<Tariff, "feedIn" | "retail" | "gridFee">> {
    const [feedIn, retail, gridFee] = await this.#client.readContract({
      ...this.#tariff(),
      functionName: "tariffAt",
      args: [slot],
    });
    return { feedIn, retail, gridFee };
  }

  /** What the meter gave less what it took in a slot, energy units; nothing without readings from start to end. */
  async balance(slot: number): Promise<bigint | undefined> {
    const [exported, imported, complete] = await this.#client.readContract({
      ...this.#registry(),
      functionName: "energyIn",
      args: [this.#meterId, slot],
    });
    return complete ? BigInt(exported) - BigInt(imported) : undefined;
  }

  /** The direct delivery that has the meter now: its slots, and what it has still to move. */
  async delivery(): Promise<(Promised & { first: number; last: number }) | undefined> {
    const market = { address: this.#contracts.DirectMarket, abi: directMarketAbi } as const;
    const id = await this.#client.readContract({ ...market, functionName: "openDeliveryOf", args: [this.#meterId] });
    if (id === 0n) return undefined;
    const { startSlot, deadlineSlot, sellerMeterId, energy, delivered } = await this.#client.readContract({
      ...market,
      functionName: "deliveryOf",
      args: [id],
    });
    const side = sellerMeterId === this.#meterId ? "ask" : "bid";
    return { first: startSlot, last: deadlineSlot, side, due: BigInt(energy - delivered) };
  }

  /** The order that comes of it. */
  withId({ slot, side, tick, energy }: Wanted): SentOrder {
    return { id: packOrderId({ slot, meterId: this.#meterId, side, tick }), slot, energy };
  }

  placing(orders: readonly Wanted[]) {
    const meterId = this.#meterId;
    const args = orders.map(({ slot, side, tick, energy }) => ({ slot, meterId, side: SIDE[side], tick, energy }));
    return { ...this.#auction(), abi: AUCTION, functionName: "placeOrders", args: [args] };
  }

  cancelling(orderIds: readonly bigint[]) {
    return { ...this.#auction(), abi: AUCTION, functionName: "cancelOrders", args: [orderIds] };
  }

  #registry() {
    return { address: this.#contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  }

  #auction() {
    return { address: this.#contracts.CallAuction, abi: callAuctionAbi } as const;
  }

  #tariff() {
    return { address: this.#contracts.Tariff, abi: tariffAbi } as const;
  }
}
