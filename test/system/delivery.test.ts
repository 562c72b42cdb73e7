import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { costUp, paymentDown } from "../../protocol/src/price.ts";
import { MOST_BEHIND_S, MOST_OFF_S, World } from "./world.ts";

const ENERGY = 40n; // Wh: about 25 s at the converters' 6 kW
const PRICE = 123_000n; // per kWh; a multiple of no round number on purpose
const FEE = 20_000n;
/** Against an open sink nothing flows: the source closes so long after the purchase, whether the sink is there or not. */
const SOURCE_WAITS_MS = 10_000;
/** More than `safety.minOpenMs`. */
const RESTS_MS = 2_500;

describe("a purchase through the public contract", () => {
  let world: World;

  before(async () => {
    world = await World.start(2);
    await Promise.all([world.startOracle(1), world.startOracle(2)]);
    await world.deposit(1, 100_000_000n);
    await world.deposit(2, 100_000_000n);
  });

  after(() => world?.stop());

  async function trade(seller: number, buyer: number) {
    const { market, vault, registry, energyToken } = await world.contracts();
    const [sellerAccount, buyerAccount] = [await world.owner(seller), await world.owner(buyer)];
    const listing = await world.list(seller, ENERGY * 3n, PRICE);
    const moneyBefore = { seller: await vault.free(sellerAccount), buyer: await vault.free(buyerAccount) };
    const certificatesBefore = await certificatesOf(buyerAccount.address);
    const truthBefore = await world.truth();
    // A contact that has just opened stays so for a while, at the start too: the source might be faster.
    await pause(RESTS_MS);
    const boughtAt = Date.now();
    const id = await world.buy(listing, buyer, ENERGY, 120);

    const delivery = await world.closed(id);
    await Promise.all([world.opened(seller, "discharge"), world.opened(buyer, "charge")]);
    const truth = await world.truth();

    // Both relays moved once each, the sink's first, unless the source has waited for it as long as it does.
    const sourceMoves = movesSince(truth, seller, "discharge", boughtAt);
    const sinkMoves = movesSince(truth, buyer, "charge", boughtAt);
    expect(sourceMoves.map(({ closed }) => closed)).to.deep.equal([true, false]);
    expect(sinkMoves.map(({ closed }) => closed)).to.deep.equal([true, false]);
    const [purchase] = await market.queryFilter(market.filters.DeliveryRequested(id));
    const purchasedAt = (await purchase!.getBlock()).timestamp * 1_000;
    if (sourceMoves[0]!.at < purchasedAt + SOURCE_WAITS_MS) expect(sinkMoves[0]!.at).to.be.lessThan(sourceMoves[0]!.at);
    // The source opens first, unless a reading completes the delivery before its target: then both open at the next head.
    const [closing] = await market.queryFilter(market.filters.DeliveryClosed(id));
    if ((await closing!.getBlock()).timestamp * 1_000 > sourceMoves[1]!.at)
      expect(sourceMoves[1]!.at).to.be.lessThan(sinkMoves[1]!.at);

    // What flowed is what was promised, and an overshoot of a few polls of a busy machine stays the seller's.
    const sent = truth.households[seller - 1]!.sentWh - truthBefore.households[seller - 1]!.sentWh;
    const received = truth.households[buyer - 1]!.receivedWh - truthBefore.households[buyer - 1]!.receivedWh;
    expect(sent).to.be.within(Number(ENERGY), Number(ENERGY) + 8);
    expect(received).to.be.within(sent * 0.98, sent);
    expect(delivery.delivered).to.equal(ENERGY);

    // The chain's registers are the meters'.
    const sellerMeter = await registry.meterOf(seller);
    expect(Number(sellerMeter.exported)).to.be.within(
      truth.households[seller - 1]!.meter.exportedWh - 4,
      truth.households[seller - 1]!.meter.exportedWh,
    );

    // Money, to the unit.
    const cost = costUp(ENERGY, PRICE + FEE, 1_000n);
    const paid = paymentDown(ENERGY, PRICE, 1_000n);
    expect((await vault.free(buyerAccount)) - moneyBefore.buyer).to.equal(-cost);
    expect((await vault.free(sellerAccount)) - moneyBefore.seller).to.equal(paid);
    expect(await vault.pot(await market.getAddress())).to.equal(0n);

    // Certificates for every unit, to the buyer.
    expect((await certificatesOf(buyerAccount.address)) - certificatesBefore).to.equal(ENERGY);
    return { energyToken };
  }

  async function certificatesOf(account: string): Promise<bigint> {
    const { energyToken } = await world.contracts();
    const mints = await energyToken.queryFilter(energyToken.filters.TransferSingle(undefined, undefined, account));
    return mints.reduce((sum, { args }) => sum + args.value, 0n);
  }

  it("moves the promised energy, pays for it to the unit and opens both relays", async () => {
    await trade(2, 1);
  });

  it("works the other way round", async () => {
    await trade(1, 2);
  });

  it("the chain's time has kept to the clock, however many transactions there were", () => {
    expect(world.clock.ahead).to.be.at.most(MOST_OFF_S);
    expect(world.clock.late).to.be.at.most(MOST_OFF_S);
    expect(world.clock.behind).to.be.at.most(MOST_BEHIND_S);
  });
});

function movesSince(
  truth: Awaited<ReturnType<World["truth"]>>,
  n: number,
  contact: "charge" | "discharge",
  since: number,
) {
  return truth.households[n - 1]!.contacts[contact]!.history.filter(({ at }) => at >= since);
}
