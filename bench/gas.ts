/**
 * `npm run bench:gas`: gas of whole transactions, contracts compiled as they are deployed (viaIR), on Hardhat's local
 * chain. Writes bench/results/gas.json and gas.md; ends with 1 when something is above its budget.
 * `npm run bench:gas -- --check` writes nothing and also ends with 1 when something costs over 1 % more than committed.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { as, build, D, deployed, deployZone, gasOf, type Meter, PARAMETERS, RING, WIDEST, type Zone } from "./zone.ts";

const Side = { Bid: 0, Ask: 1 } as const;
const Kind = { Load: 0, Prosumer: 6 } as const;
const BATCH = 50;
/** How much a figure may exceed the committed one in a check. */
const TOLERANCE = 1.01;

/** What each figure is, the most it may be, and what others take for it on the same machine. */
const MEANING: Record<string, [budget: number | null, meaning: string, peer?: string]> = {
  place: [
    90_000,
    "one order in a slot that has orders already, at a tick whose word is in use",
    "EasyAuction 125k, Clober 180k",
  ],
  placeFirst: [null, "the first order of a slot"],
  placeBatchEach: [55_000, "24 orders of a meter, one in each of the next 24 slots"],
  cancel: [null, "one order"],
  clear10: [150_000, "a slot with 10 orders at 10 ticks", "energy prototypes 6.2M at 40 orders"],
  clear1000: [150_000, "a slot with 1,000 orders at the same 10 ticks", "EasyAuction 511k at 300 orders"],
  clear10000: [150_000, "a slot with 10,000 orders at the same 10 ticks"],
  clearWorst: [150_000, "the dearest of the books made to be dear, all 128 ticks in reach"],
  readingBatchEach: [28_000, "50 meters at the end of a slot, in the steady state"],
  readingBacklogEach: [18_000, "16 slots of one meter after its neighbours have reported, in the steady state"],
  p256ReadingEach: [42_000, "50 meters with a secure element at the end of a slot, in the steady state"],
  settleAskBatchEach: [30_000, "50 sellers who delivered", "EasyAuction 84–101k a claim"],
  settleBidBatchEach: [30_000, "50 buyers, certificates of the day held already"],
  list: [null, "one offer"],
  buy: [null, "one purchase by meters that traded before, while another delivery runs"],
  listAndBuy: [190_000, "both together", "energy prototypes 155–690k, delivery unchecked"],
  directSettle: [null, "a slot of a running delivery, seller paid and certificates minted"],
  directClose: [null, "a delivery that is complete"],
  deposit: [null, "into an account in use"],
  withdraw: [null, "a part of it"],
};

type Order = { slot: number; meterId: number; side: number; tick: number; energy: number };
const bid = (slot: number, meter: Meter, tick: number, energy: number): Order => ({
  slot,
  meterId: meter.id,
  side: Side.Bid,
  tick,
  energy,
});
const ask = (...args: Parameters<typeof bid>): Order => ({ ...bid(...args), side: Side.Ask });
const orderId = ({ slot, meterId, side, tick }: Order): bigint =>
  (BigInt(slot) << 48n) | (BigInt(meterId) << 16n) | (BigInt(side) << 8n) | BigInt(tick);

const gas: Record<string, number> = {};
const each = (total: number, count: number): number => Math.round(total / count);

async function placeAll(zone: Zone, orders: Order[]): Promise<void> {
  const owner = zone.people[0]!;
  for (let i = 0; i < orders.length; i += 150) {
    await gasOf(as(zone.auction, owner).placeOrders(orders.slice(i, i + 150)));
  }
}

async function clearAt(zone: Zone, slot: number): Promise<number> {
  await zone.at(slot, -60);
  return gasOf(as(zone.auction, zone.relay).clear(slot));
}

/** Orders of one owner's meters at five bid ticks and five ask ticks. */
async function benchClearing(): Promise<void> {
  const zone = await deployZone();
  await zone.fund(zone.people[0]!);
  const meters: Meter[] = [];
  for (const count of [10, 1_000, 10_000]) {
    while (meters.length < count / 10) meters.push(await zone.addMeter(zone.people[0]!, Kind.Prosumer));
    const slot = (await zone.currentSlot()) + 3;
    const orders = meters.flatMap((meter) =>
      [0, 1, 2, 3, 4].flatMap((i) => [ask(slot, meter, 20 + 8 * i, 100), bid(slot, meter, 100 - 8 * i, 100)]),
    );
    await placeAll(zone, orders);
    gas[`clear${count}`] = await clearAt(zone, slot);
  }
}

/** Books made to be dear to clear: many ticks to match, many words to look through. */
async function benchWorstClearing(): Promise<void> {
  const zone = await deployZone(WIDEST);
  await zone.fund(zone.people[0]!);
  const meter = await zone.addMeter(zone.people[0]!, Kind.Prosumer);
  const all = Array.from({ length: 128 }, (_, tick) => tick);
  const books: Record<string, (slot: number) => Order[]> = {
    "every tick, every match at another one": (slot) =>
      all.flatMap((t) => [ask(slot, meter, t, 10), bid(slot, meter, t, 10)]),
    "every tick, partial matches": (slot) => all.flatMap((t) => [ask(slot, meter, t, 20), bid(slot, meter, t, 30)]),
    "every tick, one side much larger": (slot) =>
      all.flatMap((t) => [ask(slot, meter, t, 10), bid(slot, meter, t, 2_000)]),
    "empty words between one bid and one ask": (slot) => [ask(slot, meter, 0, 10), bid(slot, meter, 127, 10)],
    ...Object.fromEntries(
      [8, 16, 32, 48, 56].map((n) => [
        `${n} ticks on both sides, empty words between`,
        (slot: number) =>
          all.filter((t) => t < n).flatMap((t) => [ask(slot, meter, t, 10), bid(slot, meter, 127 - t, 10)]),
      ]),
    ),
  };
  gas.clearWorst = 0;
  for (const [name, book] of Object.entries(books)) {
    const slot = (await zone.currentSlot()) + 3;
    await placeAll(zone, book(slot));
    const used = await clearAt(zone, slot);
    console.log(`  clearing ${name}: ${used}`);
    gas.clearWorst = Math.max(gas.clearWorst, used);
  }
}

/** Fifty sellers and fifty buyers, whose meters have reported long enough to reuse their storage. */
async function benchTrading(): Promise<void> {
  const zone = await deployZone();
  const { auction, vault, relay, people } = zone;
  const sellers: Meter[] = [];
  const buyers: Meter[] = [];
  for (let i = 0; i < BATCH; i++) {
    sellers.push(await zone.addMeter(people[2 * i]!, Kind.Prosumer));
    buyers.push(await zone.addMeter(people[2 * i + 1]!, Kind.Load));
  }
  for (const { owner } of [...sellers, ...buyers]) await zone.fund(owner);

  // A day begins, so that all slots below share their certificates' id; then the ring goes round.
  let slot = (Math.floor((await zone.currentSlot()) / 96) + 1) * 96;
  const signed = [];
  for (const meter of [...sellers, ...buyers]) signed.push(zone.read(meter, slot * D, 0));
  await zone.at(slot, 5);
  await zone.report(signed);
  for (const last = slot + RING + 1; slot < last; slot++) {
    gas.readingBatchEach = each(await zone.reportEnd(slot, sellers, 1_000), BATCH);
    await zone.reportEnd(slot, buyers, 0, 1_000);
  }

  // The first round gives everybody certificates of the day; the second is measured.
  for (let round = 0; round < 2; round++) {
    const traded = slot + 2;
    const asks = sellers.map((meter, i) => ask(traded, meter, 20 + (i % 5), 1_000));
    const bids = buyers.map((meter, i) => bid(traded, meter, 60 + (i % 5), 1_000));
    await zone.at(slot, 10);
    for (const [i, order] of asks.entries()) {
      const used = await gasOf(as(auction, sellers[i]!.owner).placeOrders([order]));
      if (i === 0) gas.placeFirst = used;
    }
    for (const [i, order] of bids.entries()) {
      gas.place = await gasOf(as(auction, buyers[i]!.owner).placeOrders([order]));
    }
    for (; slot <= traded; slot++) {
      if (slot === traded - 1) await clearAt(zone, traded);
      await zone.reportEnd(slot, sellers, 1_000);
      await zone.reportEnd(slot, buyers, 0, 1_000);
    }
    gas.settleAskBatchEach = each(await gasOf(as(auction, relay).settle(asks.map(orderId))), BATCH);
    gas.settleBidBatchEach = each(await gasOf(as(auction, relay).settle(bids.map(orderId))), BATCH);
  }

  // A day of orders of one household, among those of its neighbours.
  const ahead = Array.from({ length: 24 }, (_, i) => slot + 2 + i);
  await as(auction, buyers[1]!.owner).placeOrders(ahead.map((s) => bid(s, buyers[1]!, 61, 100)));
  const day = ahead.map((s) => bid(s, buyers[2]!, 62, 100));
  gas.placeBatchEach = each(await gasOf(as(auction, buyers[2]!.owner).placeOrders(day)), day.length);
  gas.cancel = await gasOf(as(auction, buyers[2]!.owner).cancelOrders([orderId(day[0]!)]));

  // One meter was cut off for four hours; its neighbour was not.
  const [cut, neighbour] = sellers;
  const backlog = [];
  for (let i = 0; i < 16; i++) backlog.push(zone.read(cut!, (slot + i + 1) * D, 1_000));
  const last = slot + 15;
  await zone.at(last, 5);
  await zone.report([zone.read(neighbour!, last * D, 0)]);
  await zone.reportEnd(last, [neighbour!], 1_000);
  gas.readingBacklogEach = each(await gasOf(zone.report(backlog)), backlog.length);
  slot += 16;

  await benchDirect(zone, sellers, buyers, slot);
  const account = buyers[0]!.owner;
  gas.deposit = await gasOf(as(vault, account).deposit(1_000_000n));
  gas.withdraw = await gasOf(as(vault, account).withdraw(400_000n, account));
}

/** The second trade of the same two meters, settled after its first slot, while neighbours trade as well. */
async function benchDirect(zone: Zone, sellers: Meter[], buyers: Meter[], slot: number): Promise<void> {
  const { market, relay } = zone;
  const [seller, other] = sellers as [Meter, Meter];
  const [buyer, another] = buyers as [Meter, Meter];
  const list = (meter: Meter) =>
    gasOf(as(market, meter.owner).list(meter.id, 1_000, 0, 100_000n, 100, slot * D + 86_400));
  const buy = async (meter: Meter) =>
    gasOf(as(market, meter.owner).buy(await market.listingCount(), meter.id, 1_000, 2n ** 64n - 1n, (slot + 2) * D));
  // The buyer's meter catches up first.
  await zone.report([zone.read(buyer, slot * D, 0)]);
  await list(other);
  await buy(another);
  for (let round = 1; round <= 2; round++) {
    await zone.at(slot, 10 + round * 5);
    gas.list = await list(seller);
    gas.buy = await buy(buyer);
    const delivery = await market.deliveryCount();
    await zone.reportEnd(slot, [seller], 600);
    await zone.reportEnd(slot, [buyer], 0, 600);
    gas.directSettle = await gasOf(as(market, relay).settle(delivery, slot));
    slot++;
    await zone.reportEnd(slot, [seller], 400);
    await zone.reportEnd(slot, [buyer], 0, 400);
    await as(market, relay).settle(delivery, slot);
    gas.directClose = await gasOf(as(market, relay).close(delivery));
    slot++;
  }
  gas.listAndBuy = gas.list! + gas.buy!;
}

/** Meters that sign with P-256. A reading that spans the ring leads to a slot whose storage is in use. */
async function benchElements(): Promise<void> {
  const zone = await deployZone();
  const meters: Meter[] = [];
  for (let i = 0; i < BATCH; i++) meters.push(await zone.addMeter(zone.people[i]!, Kind.Prosumer, true));
  const slot = (await zone.currentSlot()) + 1;
  await zone.reportEnd(slot - 1, meters, 0);
  await zone.reportEnd(slot, meters, 1_000);
  await zone.reportEnd(slot + RING - 1, meters, 1_000);
  gas.p256ReadingEach = each(await zone.reportEnd(slot + RING, meters, 1_000), BATCH);
}

await build();
for (const bench of [benchClearing, benchWorstClearing, benchTrading, benchElements]) {
  console.log(bench.name);
  await bench();
}

const number = (value: number): string => value.toLocaleString("en-US");
const rows = Object.entries(MEANING).map(
  ([name, [budget, meaning, peer = ""]]) =>
    `| ${name} | ${number(gas[name]!)} | ${budget === null ? "" : number(budget)} | ${meaning} | ${peer} |`,
);
const sizes = Object.entries(await deployed()).map(([name, bytes]) => `${name} ${number(bytes)}`);
const text = `# Gas

Whole transactions, refunds taken off; solc 0.8.37 with viaIR, 1,000,000 runs, EVM version Cancun; Hardhat's local chain with Osaka's rules.
"Each" divides by the number in the batch. \`npm run bench:gas\` writes this file and fails above a budget;
\`npm run bench:gas -- --check\` compares with it and fails as well when a figure has grown by more than 1 %.

| name | gas | budget | what | others, measured alike |
| ---- | --: | -----: | ---- | ---------------------- |
${rows.join("\n")}

Code size in bytes (at most 24,576): ${sizes.join(", ")}.
`;
console.log(text);

const results = resolve(import.meta.dirname, "results");
const json = resolve(results, "gas.json");
const complaints = Object.entries(MEANING)
  .filter(([name, [budget]]) => budget !== null && gas[name]! > budget)
  .map(([name, [budget]]) => `${name} is above its budget of ${budget}: ${gas[name]}`);
if (process.argv.includes("--check")) {
  const { gas: committed } = JSON.parse(await readFile(json, "utf8")) as { gas: Record<string, number> };
  for (const name of Object.keys(MEANING)) {
    const before = committed[name];
    if (before === undefined) complaints.push(`${name} is not in bench/results/gas.json: run npm run bench:gas`);
    else if (gas[name]! > before * TOLERANCE) complaints.push(`${name} has grown from ${before} to ${gas[name]}`);
  }
} else {
  const ordered = Object.fromEntries(Object.keys(MEANING).map((name) => [name, gas[name]]));
  const { slotDuration, grace, claimWindow } = PARAMETERS;
  const parameters = { slotDuration, grace, claimWindow };
  await mkdir(results, { recursive: true });
  await writeFile(json, `${JSON.stringify({ parameters, gas: ordered }, null, 2)}\n`);
  await writeFile(resolve(results, "gas.md"), text);
}
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length === 0 ? 0 : 1);
