import { meterRegistryAbi, tariffAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import { encodeFunctionData } from "viem";
import { readCall } from "./announcedCall.ts";

const OWNER = `0x${"3".repeat(40)}` as const;
const contracts = { MeterRegistry: `0x${"1".repeat(40)}`, Tariff: `0x${"2".repeat(40)}` } as const;

describe("an announced call", () => {
  it("is read back as what was announced", () => {
    const tariff = encodeFunctionData({
      abi: tariffAbi,
      functionName: "setTariff",
      args: [9, 80_000n, 300_000n, 20_000n],
    });
    const read = readCall({ target: contracts.Tariff, data: tariff }, contracts);
    expect(read).to.deep.include({
      kind: "setTariff",
      fromSlot: 9,
      feedIn: 80_000n,
      retail: 300_000n,
      gridFee: 20_000n,
    });
    expect(encodeFunctionData(read!.call)).to.equal(tariff);

    const args = [OWNER, 1, 8_000, 1, "0x11", "0x22"] as const;
    const register = encodeFunctionData({ abi: meterRegistryAbi, functionName: "register", args });
    const meter = readCall({ target: contracts.MeterRegistry, data: register }, contracts);
    expect(meter).to.deep.include({ kind: "register", owner: OWNER, meterKind: 1, maxPowerW: 8_000 });
    expect(encodeFunctionData(meter!.call)).to.equal(register);

    const block = encodeFunctionData({ abi: meterRegistryAbi, functionName: "setActive", args: [7, false] });
    expect(readCall({ target: contracts.MeterRegistry, data: block }, contracts)).to.deep.include({
      kind: "setActive",
      meterId: 7,
      active: false,
    });
  });
  it("of another program stays unread", () => {
    expect(readCall({ target: OWNER, data: "0x12345678" }, contracts)).to.equal(undefined);
    expect(readCall({ target: contracts.Tariff, data: "0x12345678" }, contracts)).to.equal(undefined);
  });
});
