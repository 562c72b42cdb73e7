import { type OrderKey, unpackOrderId } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi } from "@ioe/protocol/abi";
import { type Log, decodeEventLog, encodeEventTopics } from "viem";

export interface Block {
  readonly number: bigint;
  readonly hash: `0x${string}`;
  /** Unix seconds. */
  readonly timestamp: number;
}

interface FromBlock {
  readonly block: bigint;
}

export interface DeliveryRequested extends FromBlock {
  readonly type: "DeliveryRequested";
  readonly deliveryId: bigint;
  readonly sellerMeterId: number;
  readonly buyerMeterId: number;
  readonly energy: bigint;
  readonly price: bigint;
  /** Unix seconds. */
  readonly deadline: number;
  /** Unix seconds of the block. */
  readonly purchasedAt: number;
}

export interface DeliveryProgress extends FromBlock {
  readonly type: "DeliveryProgress";
  readonly deliveryId: bigint;
  readonly slot: number;
  readonly delivered: bigint;
}

export interface DeliveryEnding extends FromBlock {
  readonly type: "DeliveryEnding";
  readonly deliveryId: bigint;
  readonly deadline: number;
}

export interface DeliveryClosed extends FromBlock {
  readonly type: "DeliveryClosed";
  readonly deliveryId: bigint;
  readonly delivered: bigint;
  readonly outcome: Outcome;
}

export interface ReadingAccepted extends FromBlock {
  readonly type: "ReadingAccepted";
  readonly meterId: number;
  readonly slot: number;
  readonly takenAt: number;
}

export interface ReadingRejected extends FromBlock {
  readonly type: "ReadingRejected";
  readonly meterId: number;
  readonly takenAt: number;
  readonly reason: Rejection;
}

export interface Rebased extends FromBlock {
  readonly type: "Rebased";
  readonly meterId: number;
  readonly takenAt: number;
}

export interface OrderPlaced extends FromBlock {
  readonly type: "OrderPlaced";
  readonly orderId: bigint;
  readonly order: OrderKey;
}

export type ChainEvent =
  | OrderPlaced
  | DeliveryRequested
  | DeliveryProgress
  | DeliveryEnding
  | DeliveryClosed
  | ReadingAccepted
  | ReadingRejected
  | Rebased;

/** In the order of the contract's enumerations. */
const OUTCOMES = ["Complete", "Short", "Nothing"] as const;
export const REJECTIONS = ["UnknownMeter", "InFuture", "NotNewer", "OutOfOrder", "WrongEpoch", "BadSignature"] as const;
export type Outcome = (typeof OUTCOMES)[number];
export type Rejection = (typeof REJECTIONS)[number];

const MARKET_EVENTS = ["DeliveryRequested", "DeliveryProgress", "DeliveryEnding", "DeliveryClosed"] as const;
const AUCTION_EVENTS = ["OrderPlaced"] as const;
const REGISTRY_EVENTS = ["ReadingAccepted", "ReadingRejected", "Rebased"] as const;

/** First topics of everything the oracle listens to, for one log filter over all contracts. */
export const EVENT_TOPICS: `0x${string}`[] = [
  ...MARKET_EVENTS.map((eventName) => encodeEventTopics({ abi: directMarketAbi, eventName })[0]),
  ...AUCTION_EVENTS.map((eventName) => encodeEventTopics({ abi: callAuctionAbi, eventName })[0]),
  ...REGISTRY_EVENTS.map((eventName) => encodeEventTopics({ abi: meterRegistryAbi, eventName })[0]),
];

const PURCHASE = encodeEventTopics({ abi: directMarketAbi, eventName: "DeliveryRequested" })[0];

/** The one event whose block time matters. */
export function isPurchase(log: Pick<Log, "topics">): boolean {
  return log.topics[0] === PURCHASE;
}

const eventAbi = [...callAuctionAbi, ...directMarketAbi, ...meterRegistryAbi].filter((item) => item.type === "event");

/**
 * The typed event of a log.
 * @param timestamp Unix seconds of the log's block.
 */
export function toChainEvent(log: Log<bigint, number, false>, timestamp: number): ChainEvent {
  const block = log.blockNumber;
  const event = decodeEventLog({ abi: eventAbi, data: log.data, topics: log.topics });
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the filter lets no other event through
  switch (event.eventName) {
    case "DeliveryRequested": {
      const { deliveryId, sellerMeterId, buyerMeterId, energy, price, deadline } = event.args;
      return {
        type: event.eventName,
        block,
        deliveryId,
        sellerMeterId,
        buyerMeterId,
        energy: BigInt(energy),
        price,
        deadline,
        purchasedAt: timestamp,
      };
    }
    case "OrderPlaced": {
      const { orderId } = event.args;
      return { type: event.eventName, block, orderId, order: unpackOrderId(orderId) };
    }
    case "DeliveryProgress": {
      const { deliveryId, slot, delivered } = event.args;
      return { type: event.eventName, block, deliveryId, slot, delivered: BigInt(delivered) };
    }
    case "DeliveryEnding": {
      const { deliveryId, deadline } = event.args;
      return { type: event.eventName, block, deliveryId, deadline };
    }
    case "DeliveryClosed": {
      const { deliveryId, delivered, outcome } = event.args;
      return { type: event.eventName, block, deliveryId, delivered: BigInt(delivered), outcome: OUTCOMES[outcome]! };
    }
    case "ReadingAccepted": {
      const { meterId, slot, takenAt } = event.args;
      return { type: event.eventName, block, meterId, slot, takenAt };
    }
    case "ReadingRejected": {
      const { meterId, takenAt, reason } = event.args;
      return { type: event.eventName, block, meterId, takenAt, reason: REJECTIONS[reason]! };
    }
    case "Rebased": {
      const { meterId, takenAt } = event.args;
      return { type: event.eventName, block, meterId, takenAt };
    }
    default:
      throw new Error(`log filter let ${event.eventName} through`);
  }
}
