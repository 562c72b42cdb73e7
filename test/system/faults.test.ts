import { expect } from "chai";
import { paymentDown } from "../../protocol/src/price.ts";
import { until, World } from "./world.ts";

const PRICE = 200_000n;

describe("deliveries that do not go as promised", () => {
  let world: World;

  before(async () => {
    world = await World.start(2);
    for (const n of [1, 2]) await world.configure(n, (config) => (config.delivery = { noFlowTimeoutS: 6 }));
    await Promise.all([world.startOracle(1), world.startOracle(2)]);
    await world.deposit(1, 100_000_000n);
  });

  after(() => world?.stop());

  /** What the buyer and the seller have gained since `before`, against what the delivery says. */
  async function expectPaid(id: bigint, before: { seller: bigint; buyer: bigint }): Promise<void> {
    const { market, vault } = await world.contracts();
    const { delivered, price, gridFee } = await market.deliveryOf(id);
    const paid = paymentDown(delivered, price, 1_000n);
    const cost = (delivered * (price + gridFee) + 999n) / 1_000n;
    const now = await balances();
    expect(now.seller - before.seller).to.equal(paid);
    expect(before.buyer - now.buyer).to.equal(cost);
    expect(await vault.pot(await market.getAddress())).to.equal(0n);
  }

  async function balances() {
    const { vault } = await world.contracts();
    return { seller: await vault.free(await world.owner(2)), buyer: await vault.free(await world.owner(1)) };
  }

  it("pays a seller whose battery drops out half-way for what flowed, and opens both relays", async () => {
    const before = await balances();
    const id = await world.buy(await world.list(2, 80n, PRICE), 1, 80n, 100);
    await until("half of the energy", async () => (await world.truth()).households[1]!.powerW > 5_000);
    await new Promise((done) => setTimeout(done, 20_000));
    await world.physics(2, { battery: { connected: false } });
    const delivery = await world.closed(id);
    await world.physics(2, { battery: { connected: true } });

    expect(delivery.delivered > 20n && delivery.delivered < 60n, `${delivery.delivered} units`).to.equal(true);
    await Promise.all([world.opened(1, "charge"), world.opened(2, "discharge")]);
    await expectPaid(id, before);
  });

  it("counts no more than the buyer's meter proves when it reads less than the line can lose", async () => {
    const before = await balances();
    const [truthBefore, energy] = [await world.truth(), 40n];
    await world.physics(1, { meter: { gain: 0.8 } });
    const id = await world.buy(await world.list(2, energy, PRICE), 1, energy, 60);
    const delivery = await world.closed(id);
    await world.physics(1, { meter: { gain: 1 } });

    const truth = await world.truth();
    const sent = truth.households[1]!.sentWh - truthBefore.households[1]!.sentWh;
    const shown = truth.households[0]!.meter.importedWh - truthBefore.households[0]!.meter.importedWh;
    expect(sent, "the seller sent all of it").to.be.at.least(Number(energy));
    // What the buyer's meter proves is rounded up in each of the slots, and the meter shows whole units.
    const slots = Number(delivery.deadlineSlot - delivery.startSlot) + 1;
    expect(Number(delivery.delivered)).to.be.within(shown * 1.03 - slots, shown * 1.03 + slots);
    expect(Number(delivery.delivered)).to.be.lessThan(sent * 0.9);
    await expectPaid(id, before);
  });
});
