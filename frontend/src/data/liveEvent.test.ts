import { type LiveEvent, registryDomain, TYPES } from "@ioe/protocol";
import { expect } from "chai";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { parseLiveEvent, verifyLiveEvent } from "./liveEvent.ts";

const REGISTRY = "0x00000000000000000000000000000000000000a1";
const domain = registryDomain(31_337, REGISTRY, `0x${"5a".repeat(32)}`);
const meter = privateKeyToAccount(generatePrivateKey());
const telemetry = {
  meterId: 3,
  epoch: 1,
  takenAt: 1_000,
  powerW: -5_910,
  imported: "18446744073709551615",
  exported: "0",
};

async function signed(change: Partial<LiveEvent["telemetry"]> = {}, by = meter, under = domain): Promise<LiveEvent> {
  const figures = { ...telemetry, ...change };
  const signature = await by.signTypedData({
    domain: under,
    types: { Telemetry: TYPES.Telemetry },
    primaryType: "Telemetry",
    message: { ...figures, imported: BigInt(figures.imported), exported: BigInt(figures.exported) },
  });
  return { telemetry: figures, signature, relays: { charge: "closed" } };
}

const registered = (id: number, epoch: number) => Promise.resolve(id === 3 && epoch === 1 ? meter.address : null);
const verify = (event: LiveEvent) => verifyLiveEvent(event, 3, domain, registered);

describe("live figures", () => {
  it("are shown when the meter's registered key has signed them, to the last unit", async () => {
    expect(await verify(await signed())).to.deep.equal({
      ...telemetry,
      imported: 18_446_744_073_709_551_615n,
      exported: 0n,
      relays: { charge: "closed" },
      battery: undefined,
    });
  });
  it("are not shown when a figure was changed on the way", async () => {
    const event = await signed();
    expect(await verify({ ...event, telemetry: { ...event.telemetry, powerW: -6_000 } })).to.equal(undefined);
  });
  it("are not shown when another key, another meter, an unknown epoch or another registry signed", async () => {
    const other = privateKeyToAccount(generatePrivateKey());
    expect(await verify(await signed({}, other))).to.equal(undefined);
    expect(await verify(await signed({ meterId: 4 }))).to.equal(undefined);
    expect(await verify(await signed({ epoch: 2 }))).to.equal(undefined);
    const foreign = registryDomain(31_337, REGISTRY, `0x${"00".repeat(32)}`);
    expect(await verify(await signed({}, meter, foreign))).to.equal(undefined);
  });
  it("are not shown with something that is no signature", async () => {
    expect(await verify({ ...(await signed()), signature: "0x1234" })).to.equal(undefined);
  });
  it("are read only from an event of the agreed form", async () => {
    const event = await signed();
    expect(parseLiveEvent(JSON.stringify(event))).to.deep.equal(event);
    const full = { ...event, battery: { stateOfCharge: 1_000, capacityWh: 10_000 } };
    expect(parseLiveEvent(JSON.stringify(full))).to.deep.equal(full);
    const broken: unknown[] = [
      null,
      {},
      { ...event, telemetry: { ...event.telemetry, powerW: 1.5 } },
      { ...event, telemetry: { ...event.telemetry, imported: "-1" } },
      { ...event, telemetry: { ...event.telemetry, exported: 5 } },
      { ...event, signature: "hello" },
      { ...event, relays: { charge: "ajar" } },
      { ...event, relays: undefined },
      { ...event, battery: { stateOfCharge: 1_001, capacityWh: 10_000 } },
      { ...event, battery: { stateOfCharge: 500, capacityWh: 0 } },
    ];
    for (const each of broken) expect(parseLiveEvent(JSON.stringify(each)), JSON.stringify(each)).to.equal(undefined);
    expect(parseLiveEvent("not json")).to.equal(undefined);
  });
});
