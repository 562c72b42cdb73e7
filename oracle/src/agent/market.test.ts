import type { Deployment } from "@ioe/protocol";
import { expect } from "chai";
import type { PublicClient } from "viem";
import { Market, type MarketConstants } from "./market.ts";
import type { Wanted } from "./plan.ts";

const [OWNER, BEFORE] = [
  "0x00000000000000000000000000000000000000aa",
  "0x00000000000000000000000000000000000000bb",
] as const;
const SLOT = 50;
const METER = 7;
const [OPEN, CLEARED] = [1, 2];

describe("the orders of a slot", () => {
  const wanted = (tick: number, energy: bigint): Wanted => ({ slot: SLOT, side: "ask", tick, energy });
  const [AGENTS, CHANGED, PERSONS, FORMER, GONE] = [
    wanted(20, 40n),
    wanted(21, 50n),
    wanted(22, 60n),
    wanted(23, 70n),
    wanted(24, 80n),
  ];

  async function look(status: number) {
    const accounts = new Map<bigint, [string, number]>();
    const answers: Record<string, (args: readonly unknown[]) => unknown> = {
      auctionOf: () => ({ status, feedInTick: 10, retailTick: 120, feeTicks: 10 }),
      orderOf: ([id]) => accounts.get(id as bigint) ?? ["0x", 0],
      fillOf: ([id]) => accounts.get(id as bigint)![1] / 2,
    };
    const client = {
      readContract: ({ functionName, args }: { functionName: string; args: readonly unknown[] }) =>
        Promise.resolve(answers[functionName]!(args)),
    } as unknown as PublicClient;
    const ids: bigint[] = [];
    const own = new Map<bigint, bigint>();
    const market = new Market(client, { contracts: {} } as Deployment, METER, {
      ordersIn: () => ids,
      addOwnOrders: (orders) => orders.forEach(({ id, energy }) => own.set(id, energy)),
      isOwnOrder: ({ id, energy }) => own.get(id) === energy,
    });
    for (const order of [AGENTS, CHANGED, PERSONS, FORMER, GONE]) {
      const { id, energy } = market.withId(order);
      ids.push(id);
      if (order !== GONE) accounts.set(id, [order === FORMER ? BEFORE : OWNER, Number(energy)]);
      if (order !== PERSONS) own.set(id, order === CHANGED ? energy - 1n : energy);
    }
    const { orders } = await market.slot(SLOT, OWNER, { minPrice: 60_000n, tickSize: 2_000n } as MarketConstants);
    return orders.map(({ tick, by, due }) => [tick, by, due]);
  }

  it("are the agent's as it has placed them, a person's, or of who owned the meter before; all of them are due", async () => {
    expect(await look(OPEN)).to.deep.equal([
      [20, "agent", 40n],
      [21, "owner", 50n],
      [22, "owner", 60n],
      [23, "stranger", 70n],
    ]);
  });

  it("are due as far as they are filled, whoever has placed them", async () => {
    const due = (await look(CLEARED)).map((order) => order[2]);
    expect(due).to.deep.equal([20n, 25n, 30n, 35n]);
  });
});
