import { type Address, type Hex, slotOf } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi } from "@ioe/protocol/abi";
import {
  type Abi,
  type ContractEventName,
  getAbiItem,
  numberToHex,
  padHex,
  type ParseEventLogsReturnType,
  parseEventLogs,
  type RpcLog,
} from "viem";
import { getBlock, getLogs, getTransaction, getTransactionReceipt } from "viem/actions";
import { useBlockQuery, useFeed, useFixedQuery } from "./chain.tsx";
import type { DeliveryRecord, OrderRecord } from "./ledger.ts";
import { readInPieces } from "./logs.ts";
import { attachReadings, type Place, type Reading, type Told } from "./storyOrder.ts";
import { useZone, type Zone } from "./zone.ts";

/**
 * What happened to one delivery or order, event by event, with the readings each step was settled by. Read when somebody
 * wants to see it: it is too much to keep for all of them.
 */

const DELIVERY_EVENTS = [
  "Bought",
  "DeliveryProgress",
  "DeliveryEnding",
  "DeliveryClosed",
  "DeliveryBilled",
] as const satisfies ContractEventName<typeof directMarketAbi>[];
const ORDER_EVENTS = [
  "OrderPlaced",
  "OrderCancelled",
  "SlotCleared",
  "OrderSettled",
  "SlotFinalized",
] as const satisfies ContractEventName<typeof callAuctionAbi>[];

type Logs<A extends Abi, N extends ContractEventName<A>> = ParseEventLogsReturnType<A, N[], true>;
export type DeliveryEvent = Logs<typeof directMarketAbi, (typeof DELIVERY_EVENTS)[number]>[number];
export type OrderEvent = Logs<typeof callAuctionAbi, (typeof ORDER_EVENTS)[number]>[number];

/** Raw logs of a contract whose first indexed argument is one of these. */
async function logsAbout(zone: Zone, address: Address, ids: readonly bigint[], from: bigint, to: bigint) {
  const topics = [null, ids.map((id) => padHex(numberToHex(id), { size: 32 }))];
  const logs: RpcLog[] = [];
  await readInPieces(
    from,
    to,
    (fromBlock, toBlock) =>
      zone.client.request({
        method: "eth_getLogs",
        params: [{ address, topics, fromBlock: numberToHex(fromBlock), toBlock: numberToHex(toBlock) }],
      }),
    (piece) => logs.push(...piece),
  );
  return logs;
}

async function readingsOf(zone: Zone, meterIds: number[], from: bigint, to: bigint): Promise<Reading[]> {
  const event = getAbiItem({ abi: meterRegistryAbi, name: "ReadingAccepted" });
  const address = zone.contracts.MeterRegistry;
  const readings: Reading[] = [];
  await readInPieces(
    from,
    to,
    (fromBlock, toBlock) =>
      getLogs(zone.client, { address, event, args: { meterId: meterIds }, fromBlock, toBlock, strict: true }),
    (logs) =>
      readings.push(
        ...logs.map(({ args, blockNumber, logIndex, transactionHash }) => ({
          ...args,
          block: blockNumber,
          logIndex,
          transaction: transactionHash,
        })),
      ),
  );
  return readings;
}

async function timesOf(zone: Zone, blocks: readonly bigint[]): Promise<ReadonlyMap<bigint, number>> {
  const different = [...new Set(blocks)];
  const times = await Promise.all(
    different.map(async (blockNumber) => Number((await getBlock(zone.client, { blockNumber })).timestamp)),
  );
  return new Map(different.map((block, i) => [block, times[i]!]));
}

/** Events with the time of their blocks and the readings that were new when they happened. */
async function tell<Event extends Place>(
  zone: Zone,
  events: readonly Event[],
  readings: readonly Reading[],
): Promise<Told<Event>[]> {
  const times = await timesOf(
    zone,
    events.map(({ blockNumber }) => blockNumber),
  );
  return attachReadings(events, readings).map((step) => ({ ...step, time: times.get(step.event.blockNumber)! }));
}

/** A story that is over is read once, one that goes on with every block. */
function useStory<Event extends Place>(key: readonly unknown[], isOver: boolean, read: () => Promise<Told<Event>[]>) {
  const over = useFixedQuery([...key, "over"], read, { enabled: isOver });
  const going = useBlockQuery(key, read, { enabled: !isOver });
  return (isOver ? over : going).data;
}

/** A delivery from its purchase to its bill; undefined while it is read. */
export function useDeliveryStory(delivery: DeliveryRecord): Told<DeliveryEvent>[] | undefined {
  const zone = useZone();
  const { head } = useFeed();
  const { id, boughtInBlock, closedInBlock, sellerMeterId, buyerMeterId } = delivery;
  return useStory(["deliveryStory", id], closedInBlock !== undefined, async () => {
    const end = closedInBlock ?? head.get().number;
    const [logs, readings] = await Promise.all([
      logsAbout(zone, zone.contracts.DirectMarket, [id], boughtInBlock, end),
      readingsOf(zone, [sellerMeterId, buyerMeterId], boughtInBlock, end),
    ]);
    const events = parseEventLogs({ abi: directMarketAbi, eventName: [...DELIVERY_EVENTS], logs });
    return tell<DeliveryEvent>(zone, events, readings);
  });
}

/** An order of the auction from its placing to its settlement; undefined while it is read. */
export function useOrderStory(order: OrderRecord): Told<OrderEvent>[] | undefined {
  const zone = useZone();
  const { head } = useFeed();
  const { id, slot, meterId, placedInBlock, settled } = order;
  return useStory(["orderStory", id, placedInBlock], settled !== undefined, async () => {
    const end = settled?.inBlock ?? head.get().number;
    const [logs, readings] = await Promise.all([
      logsAbout(zone, zone.contracts.CallAuction, [id, BigInt(slot)], placedInBlock, end),
      readingsOf(zone, [meterId], placedInBlock, end),
    ]);
    const events = parseEventLogs({ abi: callAuctionAbi, eventName: [...ORDER_EVENTS], logs });
    const inSlot = readings.filter(({ takenAt }) => slotOf(takenAt, zone.slotDuration) === slot);
    return tell<OrderEvent>(zone, events, inSlot);
  });
}

export interface TransactionFacts {
  block: bigint;
  /** Unix seconds. */
  time: number;
  from: Address;
  to: Address | null;
  gasUsed: bigint;
  success: boolean;
}

/** What the chain knows of a transaction that is in a block. */
export function useTransactionFacts(hash: Hex, enabled: boolean): TransactionFacts | undefined {
  const zone = useZone();
  return useFixedQuery(
    ["transaction", hash],
    async () => {
      const [receipt, { from, to }] = await Promise.all([
        getTransactionReceipt(zone.client, { hash }),
        getTransaction(zone.client, { hash }),
      ]);
      const { blockNumber, gasUsed, status } = receipt;
      const [time] = (await timesOf(zone, [blockNumber])).values();
      return { block: blockNumber, time: time!, from, to, gasUsed, success: status === "success" };
    },
    { enabled },
  ).data;
}
