import { expect } from "chai";
import { type Route, defaultMaxUnwitnessed, estimatedTimeS, relaysBetween, transfer } from "./routes.ts";

const routes: Route[] = [
  { role: "source", peers: [2, 3], relays: ["K1", "K3"], powerW: 5 },
  { role: "source", peers: [4], relays: ["K2"], powerW: 10 },
  { role: "sink", peers: "any", relays: ["K4"], powerW: 20 },
  { role: "sink", peers: [9], relays: ["K5"], powerW: 20 },
];

describe("routes", () => {
  const table: [string, "source" | "sink", number, string[]][] = [
    ["a path over two relays", "source", 3, ["K1", "K3"]],
    ["another path for another meter", "source", 4, ["K2"]],
    ["no path", "source", 7, []],
    ["the path for any meter", "sink", 7, ["K4"]],
    ["a path that names the meter before the one for any", "sink", 9, ["K5"]],
  ];
  for (const [what, role, peer, relays] of table) {
    it(`find ${what}`, () => expect(relaysBetween(routes, role, peer)).to.deep.equal(relays));
  }

  it("plan a transfer with its time", () => {
    expect(transfer(routes, "source", 4, 30n, 1_000n)).to.deep.include({ energy: 30n, peer: 4, estimatedS: 10_800 });
    expect(transfer(routes, "source", 7, 30n, 1_000n)).to.equal(undefined);
  });

  it("estimate the time from energy and power, rounded up", () => {
    expect(estimatedTimeS(40n, 6_000, 1_000n)).to.equal(24);
    expect(estimatedTimeS(1n, 6_000, 1_000n)).to.equal(1);
    expect(estimatedTimeS(40_000n, 6_000, 1_000_000n)).to.equal(24);
    expect(estimatedTimeS(0n, 6_000, 1_000n)).to.equal(0);
  });

  it("trust a buyer with three checkpoints' worth of energy", () => {
    const route: Route = { role: "source", peers: "any", relays: ["K"], powerW: 6_000 };
    expect(defaultMaxUnwitnessed(transfer([route], "source", 1, 1_000n, 1_000n)!, 1_000n)).to.equal(300n);
    expect(defaultMaxUnwitnessed(transfer([route], "source", 1, 10_000n, 1_000n)!, 1_000n)).to.equal(1_500n);
  });
});
