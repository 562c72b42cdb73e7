/** An order's own key in the call auction, laid out as contracts/market/OrderId.sol draws it. */

/** Bid: buys energy for its meter. Ask: sells what its meter gives. In the contract's order (`Side`). */
const SIDES = ["bid", "ask"] as const;
export type OrderSide = (typeof SIDES)[number];

export interface OrderKey {
  slot: number;
  meterId: number;
  side: OrderSide;
  /** Limit in price steps, 0 to 127. */
  tick: number;
}

export function packOrderId({ slot, meterId, side, tick }: OrderKey): bigint {
  return (BigInt(slot) << 48n) | (BigInt(meterId) << 16n) | (BigInt(SIDES.indexOf(side)) << 8n) | BigInt(tick);
}

export function unpackOrderId(id: bigint): OrderKey {
  return {
    slot: Number(id >> 48n),
    meterId: Number((id >> 16n) & 0xffff_ffffn),
    side: ((id >> 8n) & 0xffn) === 0n ? "bid" : "ask",
    tick: Number(id & 0xffn),
  };
}
