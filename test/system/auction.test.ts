import { expect } from "chai";
import { packOrderId } from "../../protocol/src/order.ts";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { QUICK_ZONE, until, World } from "./world.ts";

/** Slots long enough for a converter's ramp and two closings. */
const ZONE = { ...QUICK_ZONE, slotDuration: 20, gateClosure: 5, grace: 40, claimWindow: 600 };
const ASK_TICK = 20; // 10 ct
const BID_TICK = 80; // 22 ct, grid fee included
const ENERGY = 20n;
const SELLER = 2;
const BUYER = 1;

describe("an auctioned slot", () => {
  let world: World;

  before(async () => {
    world = await World.start(2, ZONE);
    await Promise.all([world.startOracle(1), world.startOracle(2), world.startKeeper()]);
    const { auction, vault } = await world.contracts();
    for (const n of [BUYER, SELLER]) {
      await world.deposit(n, 100_000_000n);
      await (await vault.connect(await world.owner(n)).setAllowed(await auction.getAddress(), true)).wait();
    }
  });

  after(() => world?.stop());

  it("is cleared and settled by the keeper; the relays of the fills are closed in its time and in no other", async () => {
    const { auction, vault, registry } = await world.contracts();
    const now = await world.now();
    const slot = slotOf(now + 1, ZONE.slotDuration) + 2;
    const [start, end] = [endOf(slot - 1, ZONE.slotDuration), endOf(slot, ZONE.slotDuration)];
    const before = {
      seller: await vault.free(await world.owner(SELLER)),
      buyer: await vault.free(await world.owner(BUYER)),
    };
    const place = async (n: number, side: "bid" | "ask", tick: number) => {
      const order = { slot, meterId: n, side: side === "bid" ? 0 : 1, tick, energy: ENERGY };
      await (await auction.connect(await world.owner(n)).placeOrders([order])).wait();
      return packOrderId({ slot, meterId: n, side, tick });
    };
    const ask = await place(SELLER, "ask", ASK_TICK);
    const bid = await place(BUYER, "bid", BID_TICK);

    await until("the slot to be cleared", async () => (await auction.auctionOf(slot)).status === 2n);
    const cleared = await auction.auctionOf(slot);
    expect(cleared.volume).to.equal(ENERGY);
    expect(await auction.fillOf(ask)).to.equal(ENERGY);
    expect(await world.now(), "cleared before the slot began").to.be.at.most(start);

    await until("both orders to be settled", async () => {
      const orders = await Promise.all([ask, bid].map((id) => auction.orderOf(id)));
      return orders.every(({ energy }) => energy === 0n);
    });
    const truth = await world.truth();
    for (const [n, contact] of [
      [SELLER, "discharge"],
      [BUYER, "charge"],
    ] as const) {
      const moves = truth.households[n - 1]!.contacts[contact]!.history;
      expect(
        moves.map(({ closed }) => closed),
        contact,
      ).to.deep.equal([true, false]);
      expect(moves[0]!.at, contact).to.be.within(start * 1_000, end * 1_000);
      expect(moves[1]!.at, contact).to.be.within(start * 1_000, end * 1_000);
    }
    const { exported } = await registry.energyIn(SELLER, slot);
    expect(exported >= ENERGY, `${exported} exported`).to.equal(true);

    // All of it was delivered: the uniform price moves from buyer to seller, the fee to the grid.
    const cost = (ENERGY * (cleared.price + cleared.gridFee) + 999n) / 1_000n;
    expect(before.buyer - (await vault.free(await world.owner(BUYER)))).to.equal(cost);
    expect((await vault.free(await world.owner(SELLER))) - before.seller).to.equal((ENERGY * cleared.price) / 1_000n);
    expect(await vault.pot(await auction.getAddress())).to.equal(0n);
  });
});
