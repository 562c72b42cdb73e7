import { costUp, packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import fc from "fast-check";
import {
  limitsOf,
  type PlacedOrder,
  type Placer,
  planOrders,
  type Situation,
  type SlotView,
  type Tariff,
} from "./plan.ts";

/** 8 ct and 30 ct, 2 ct for the grid. */
const tariff: Tariff = { feedIn: 80_000n, retail: 300_000n, gridFee: 20_000n, minPrice: 60_000n, tickSize: 2_000n };
/** Our limits: 10 ct and 25 ct. */
const preferences = { lowestSellPrice: 100_000n, highestBuyPrice: 250_000n };
const [ASK, BID] = [20, 95];
const SLOT = 50;
const KWH = 1_000n;

const view = (change: Partial<SlotView> = {}): SlotView => ({
  slot: SLOT,
  tariff,
  orders: [],
  open: true,
  busy: false,
  expected: undefined,
  ...change,
});
const order = (
  side: "ask" | "bid",
  energy: bigint,
  tick = side === "ask" ? ASK : BID,
  slot = SLOT,
  by: Placer = "owner",
): PlacedOrder => ({
  id: packOrderId({ slot, meterId: 1, side, tick }),
  ...{ slot, meterId: 1, side, tick, energy, due: energy, by },
});
/** What the agent has placed when its lowest price was 8 ct. */
const CHEAP = 10;
const cheap = (energy: bigint, slot = SLOT) => order("ask", energy, CHEAP, slot, "agent");
/** At our limit, but of an account that owned the meter before. */
const strangers = (side: "ask" | "bid", energy: bigint, slot = SLOT) =>
  order(side, energy, undefined, slot, "stranger");
const situation = (change: Partial<Situation> = {}): Situation => ({
  slots: [view()],
  preferences,
  battery: undefined,
  underway: [],
  onlyBuys: false,
  minOrder: 10n,
  mostPerOrder: 500n,
  freeMoney: 10n ** 9n,
  unitsPerKWh: KWH,
  ...change,
});
const battery = { stored: 5_000n, capacity: 10_000n, reserve: 4_000n, mostPerSlot: 400n };
const ask = (energy: bigint, slot = SLOT) => ({ slot, side: "ask", tick: ASK, energy });
const bid = (energy: bigint, slot = SLOT) => ({ slot, side: "bid", tick: BID, energy });

describe("the agent's plan", () => {
  const expecting = (expected: bigint | undefined, orders: PlacedOrder[] = []) => ({
    slots: [view({ expected, orders })],
  });
  const cases: [string, Partial<Situation>, object[], bigint[]][] = [
    ["sells the surplus it expects", expecting(120n), [ask(120n)], []],
    ["buys the need it expects", expecting(-120n), [bid(120n)], []],
    ["does nothing about what is below the smallest order", expecting(9n), [], []],
    ["does nothing when it cannot say", expecting(undefined), [], []],
    ["offers no more than the meter's power moves", expecting(900n), [ask(500n)], []],
    ["offers nothing of a meter that only buys", { onlyBuys: true, ...expecting(120n) }, [], []],
    ["keeps an order that is near enough", expecting(120n, [order("ask", 110n)]), [], []],
    ["replaces one that is not", expecting(120n, [order("ask", 90n)]), [ask(120n)], []],
    ["takes back what it no longer wants", expecting(undefined, [order("ask", 90n)]), [], [order("ask", 90n).id]],
    ["changes sides", expecting(-50n, [order("ask", 90n)]), [bid(50n)], [order("ask", 90n).id]],
    ["leaves a slot alone in which a person trades", expecting(120n, [order("ask", 50n, ASK + 1)]), [], []],
    [
      "replaces what it has placed at another price, near enough or not",
      expecting(120n, [cheap(120n)]),
      [ask(120n)],
      [cheap(120n).id],
    ],
    [
      "takes back what it has placed at another price beside its order",
      expecting(120n, [cheap(50n), order("ask", 120n)]),
      [],
      [cheap(50n).id],
    ],
    [
      "takes back what it has placed when its price has no room any more",
      { preferences: { lowestSellPrice: 280_001n }, ...expecting(120n, [cheap(120n)]) },
      [],
      [cheap(120n).id],
    ],
    [
      "takes back what it has placed at another price beside a person's order, and adds nothing",
      expecting(120n, [cheap(120n), order("ask", 50n, ASK + 1), order("bid", 20n)]),
      [],
      [cheap(120n).id],
    ],
    [
      "leaves what it has placed at another price where the gate is closed",
      { slots: [view({ open: false, orders: [cheap(120n)] })] },
      [],
      [],
    ],
    [
      "uses the money again that such an order has locked",
      // 100 units at 20 ct have locked 20,000, which buy 80 at 25 ct.
      { freeMoney: 0n, ...expecting(-400n, [order("bid", 100n, 70, SLOT, "agent")]) },
      [bid(80n)],
      [order("bid", 100n, 70).id],
    ],
    [
      "leaves a slot alone with an order of who owned the meter before, and trades in the others",
      {
        slots: [
          view({ expected: 120n, orders: [strangers("ask", 50n)] }),
          view({ slot: SLOT + 1, expected: 120n }),
          view({ slot: SLOT + 2, expected: -120n, orders: [strangers("ask", 50n, SLOT + 2)] }),
        ],
      },
      [ask(120n, SLOT + 1)],
      [],
    ],
    [
      "takes what such orders sell off the battery",
      {
        battery: { ...battery, stored: 4_300n },
        slots: [
          view({ slot: SLOT - 1, open: false, orders: [strangers("ask", 150n, SLOT - 1)] }),
          view({ orders: [strangers("ask", 100n)] }),
          view({ slot: SLOT + 1 }),
        ],
      },
      [ask(50n, SLOT + 1)],
      [],
    ],
    [
      "keeps room for what such orders buy",
      {
        battery: { ...battery, stored: 3_900n },
        slots: [view({ orders: [strangers("bid", 70n)] }), view({ slot: SLOT + 1 })],
      },
      [bid(30n, SLOT + 1)],
      [],
    ],
    [
      "counts what such orders have locked neither as its money nor against its budget",
      {
        preferences: { ...preferences, budget: 25_000n },
        freeMoney: 12_500n,
        slots: [view({ orders: [strangers("bid", 100n)] }), view({ slot: SLOT + 1, expected: -400n })],
      },
      [bid(50n, SLOT + 1)],
      [],
    ],
    ["adds nothing where the gate is closed", { slots: [view({ expected: 120n, open: false })] }, [], []],
    [
      "makes room for a direct delivery",
      { slots: [view({ expected: 120n, busy: true, orders: [order("ask", 120n)] })] },
      [],
      [order("ask", 120n).id],
    ],
    ["sells a battery down to its reserve, at its power", { battery }, [ask(400n)], []],
    ["stops at the reserve", { battery: { ...battery, stored: 4_150n } }, [ask(150n)], []],
    [
      "keeps what the house is going to need",
      { battery: { ...battery, stored: 4_150n }, ...expecting(-100n) },
      [ask(50n)],
      [],
    ],
    ["buys what lacks to the reserve", { battery: { ...battery, stored: 3_900n } }, [bid(100n)], []],
    [
      "does not keep a larger order when the battery has less",
      { battery: { ...battery, stored: 4_100n }, slots: [view({ orders: [order("ask", 105n)] })] },
      [ask(100n)],
      [],
    ],
    [
      "buys no more than fits",
      { battery: { ...battery, stored: 9_950n, reserve: 10_000n }, ...expecting(-400n) },
      [bid(50n)],
      [],
    ],
    [
      "sells nothing twice: what closed slots and deliveries have promised is gone",
      {
        battery: { ...battery, stored: 4_300n },
        underway: [{ side: "ask", due: 100n }],
        slots: [view({ slot: SLOT - 1, open: false, orders: [order("ask", 150n, ASK, SLOT - 1)] }), view()],
      },
      [ask(50n)],
      [],
    ],
    [
      "hands a battery out to the earliest slots first",
      { battery: { ...battery, stored: 4_500n }, slots: [view(), view({ slot: SLOT + 1 }), view({ slot: SLOT + 2 })] },
      [ask(400n), ask(100n, SLOT + 1)],
      [],
    ],
    // 100 units at 25 ct lock 25,000.
    ["buys what the free money pays for", { freeMoney: 25_000n, ...expecting(-400n) }, [bid(100n)], []],
    [
      "counts what its orders have locked as its own",
      { freeMoney: 12_500n, ...expecting(-400n, [order("bid", 50n)]) },
      [bid(100n)],
      [],
    ],
    [
      "keeps within the budget, orders of closed slots included",
      {
        preferences: { ...preferences, budget: 50_000n },
        slots: [
          view({ slot: SLOT - 1, open: false, orders: [order("bid", 120n, BID, SLOT - 1)] }),
          view({ expected: -400n }),
        ],
      },
      [bid(80n)],
      [],
    ],
    [
      "locks nothing for an ask at the highest price",
      { preferences: { lowestSellPrice: 280_000n }, freeMoney: 0n, ...expecting(120n) },
      [{ ...ask(120n), tick: 110 }],
      [],
    ],
  ];
  for (const [what, change, place, cancel] of cases) {
    it(what, () => {
      const plan = planOrders(situation(change));
      expect(plan.place).to.deep.equal(place);
      expect(plan.cancel).to.deep.equal(cancel);
    });
  }

  it("names the slots that it leaves to somebody else", () => {
    const slots = [
      view({ orders: [order("bid", 50n, BID - 1)] }),
      view({ slot: SLOT + 1, orders: [cheap(50n, SLOT + 1)] }),
      view({ slot: SLOT + 2, orders: [strangers("ask", 50n, SLOT + 2)] }),
    ];
    expect(planOrders(situation({ slots })).leftAlone).to.deep.equal([SLOT, SLOT + 2]);
  });

  it("leaves nothing standing that it has placed at another price, and the orders of others as they are", () => {
    fc.assert(
      fc.property(situations(), (given) => {
        const plan = planOrders(given);
        const open = given.slots.filter((one) => one.open);
        for (const { slot, orders, tariff: prices } of open) {
          const atLimit = ({ side, tick }: PlacedOrder) => limitsOf(prices, given.preferences)[side] === tick;
          const isPlaced = plan.place.some((one) => one.slot === slot);
          for (const one of orders) {
            const isBack = plan.cancel.includes(one.id);
            if (one.by === "agent" && !atLimit(one)) expect(isBack, "outdated").to.equal(true);
            if (one.by === "stranger" || (one.by === "owner" && !atLimit(one)))
              expect([isBack, isPlaced], one.by).to.deep.equal([false, false]);
          }
        }
        const closed = given.slots.filter((one) => !one.open).flatMap(({ orders }) => orders);
        expect(closed.some(({ id }) => plan.cancel.includes(id))).to.equal(false);
      }),
    );
  });

  it("changes nothing when it has been carried out", () => {
    fc.assert(
      fc.property(situations(), (given) => {
        const plan = planOrders(given);
        const after = carriedOut(given, plan);
        expect(planOrders(after)).to.deep.include({ place: [], cancel: [] });
      }),
    );
  });

  it("stays within prices, bounds and money, leaves the reserve alone and buys what fits, whatever is filled", () => {
    fc.assert(
      fc.property(situations(), (given) => {
        const plan = planOrders(given);
        const after = carriedOut(given, plan);
        expect(after.freeMoney >= 0n, "money").to.equal(true);
        const { lowestSellPrice = 0n, highestBuyPrice = given.slots[0]!.tariff.retail } = given.preferences;
        for (const { side, tick, energy, slot } of plan.place) {
          const { feedIn, retail, gridFee, minPrice, tickSize } = given.slots.find((one) => one.slot === slot)!.tariff;
          const price = minPrice + BigInt(tick) * tickSize;
          expect(energy >= given.minOrder && energy <= given.mostPerOrder, "energy").to.equal(true);
          if (side === "ask")
            expect(price >= lowestSellPrice && price >= feedIn && price + gridFee <= retail).to.equal(true);
          else expect(price <= highestBuyPrice && price <= retail && price >= feedIn + gridFee).to.equal(true);
        }
        if (!given.battery) return;
        const { stored, reserve, capacity } = given.battery;
        const touched = new Set(plan.place.map(({ side }) => side));
        const flow = (which: string) =>
          [...after.underway, ...after.slots.flatMap(({ orders }) => orders)]
            .filter(({ side }) => side === which)
            .reduce((sum, { due }) => sum + due, 0n);
        if (touched.has("ask")) expect(stored - flow("ask") >= reserve, "reserve").to.equal(true);
        if (touched.has("bid")) expect(stored + flow("bid") <= capacity, "room").to.equal(true);
      }),
    );
  });
});

describe("a household's limits", () => {
  const cases: [string, object, { ask?: number; bid?: number }][] = [
    ["are the utility's prices when it has none of its own", {}, { ask: 10, bid: 120 }],
    [
      "lie on the household's side of a price between ticks",
      { lowestSellPrice: 100_001n, highestBuyPrice: 250_001n },
      { ask: 21, bid: 95 },
    ],
    [
      "keep out of a slot whose tariff has no room for them",
      { lowestSellPrice: 280_001n, highestBuyPrice: 99_999n },
      {},
    ],
  ];
  for (const [what, wishes, expected] of cases) {
    it(what, () => expect(limitsOf(tariff, wishes)).to.deep.equal({ ask: undefined, bid: undefined, ...expected }));
  }
});

// ------------------------------------------------------------------- generators

const energy = fc.bigInt(0n, 3_000n);

function situations(): fc.Arbitrary<Situation> {
  const batteries = fc
    .record({ stored: energy, capacity: fc.bigInt(1n, 3_000n), reserve: energy, mostPerSlot: fc.bigInt(0n, 800n) })
    .map((one) => ({
      ...one,
      stored: one.stored < one.capacity ? one.stored : one.capacity,
      reserve: one.reserve < one.capacity ? one.reserve : one.capacity,
    }));
  const price = fc.bigInt(1n, 400_000n);
  return fc
    .record({
      slots: fc.array(slotViews(), { minLength: 1, maxLength: 5 }),
      preferences: fc.record(
        { lowestSellPrice: price, highestBuyPrice: price, budget: fc.bigInt(1n, 10n ** 6n) },
        { requiredKeys: [] },
      ),
      battery: fc.option(batteries, { nil: undefined }),
      underway: fc.array(fc.record({ side: fc.constantFrom("ask" as const, "bid" as const), due: energy }), {
        maxLength: 1,
      }),
      freeMoney: fc.bigInt(0n, 10n ** 6n),
    })
    .map(({ slots, ...rest }) =>
      situation({
        ...rest,
        slots: slots.map((one, i) => ({
          ...one,
          slot: SLOT + i,
          orders: one.orders.map(({ side, energy: size, atLimit, by }) => {
            const limit = limitsOf(tariff, rest.preferences)[side];
            return order(side, size, atLimit ? (limit ?? 64) : limit === 65 ? 66 : 65, SLOT + i, by);
          }),
        })),
      }),
    );
}

function slotViews() {
  const orders = fc.uniqueArray(
    fc.record({
      side: fc.constantFrom("ask" as const, "bid" as const),
      energy: fc.bigInt(10n, 500n),
      atLimit: fc.boolean(),
      by: fc.constantFrom<Placer>("agent", "owner", "stranger"),
    }),
    { selector: ({ side, atLimit }) => `${side} ${atLimit}`, maxLength: 3 },
  );
  return fc.record({
    tariff: fc.constant(tariff),
    orders,
    open: fc.boolean(),
    busy: fc.boolean(),
    expected: fc.option(fc.bigInt(-1_000n, 1_000n), { nil: undefined }),
  });
}

/** The situation after the plan's transactions, as the contract books them. */
function carriedOut(given: Situation, plan: ReturnType<typeof planOrders>): Situation {
  const lock = (one: { side: "ask" | "bid"; tick: number; energy: bigint }) => {
    const limit = tariff.minPrice + BigInt(one.tick) * tariff.tickSize;
    return costUp(one.energy, one.side === "bid" ? limit : tariff.retail - tariff.gridFee - limit, KWH);
  };
  let { freeMoney } = given;
  const slots = given.slots.map((each) => {
    const placed = plan.place
      .filter(({ slot }) => slot === each.slot)
      .map((one) => order(one.side, one.energy, one.tick, each.slot, "agent"));
    const gone = each.orders.filter(({ id }) => plan.cancel.includes(id) || placed.some((one) => one.id === id));
    for (const one of gone) freeMoney += lock(one);
    for (const one of placed) freeMoney -= lock(one);
    return { ...each, orders: [...each.orders.filter((one) => !gone.includes(one)), ...placed] };
  });
  return { ...given, slots, freeMoney };
}
