import { expect } from "chai";
import { meterDriverSchema } from "../index.ts";
import { pick, unixMsOf } from "./mqtt.ts";

describe("MQTT meter", () => {
  it("finds values by keys and indices", () => {
    const body = { StatusSNS: { ENERGY: { Total: 3.185, Power: [10, 20] } }, "switch:0": 1 };
    expect(pick(body, "StatusSNS.ENERGY.Total")).to.equal(3.185);
    expect(pick(body, "StatusSNS.ENERGY.Power.1")).to.equal(20);
    expect(pick(body, "switch:0")).to.equal(1);
    expect(pick(7, undefined)).to.equal(7);
    for (const path of ["nowhere.at.all", "constructor", "StatusSNS.ENERGY.Power.length.x"])
      expect(pick(body, path), path).to.equal(undefined);
  });

  it("understands times with a zone, and none without", () => {
    expect(unixMsOf("2026-11-22T10:00:00+01:00")).to.equal(Date.UTC(2026, 10, 22, 9));
    expect(unixMsOf(1_795_338_000)).to.equal(1_795_338_000_000);
    expect(unixMsOf(1_795_338_000_123)).to.equal(1_795_338_000_123);
    for (const wrong of ["2026-11-22T10:00:00", "today", null, {}]) expect(unixMsOf(wrong)).to.equal(undefined);
  });

  it("takes a broker's URL and topics without patterns", () => {
    const config = { driver: "mqtt", broker: "mqtt://b", power: { topic: "p" }, scope: "branch", maxPowerW: 1 };
    expect(() => meterDriverSchema.parse({ ...config, broker: "http://b" })).to.throw(/mqtts:\/\/HOST:8883/);
    expect(() => meterDriverSchema.parse({ ...config, power: { topic: "a/#" } })).to.throw(/topic without \+ and #/);
  });
});
