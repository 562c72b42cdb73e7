import { meterRegistryAbi, tariffAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import { encodeFunctionData } from "viem";
import { isSameIntent, isTooLate, readCall } from "./announcedCall.ts";

const OWNER = `0x${"3".repeat(40)}` as const;
const contracts = { MeterRegistry: `0x${"1".repeat(40)}`, Tariff: `0x${"2".repeat(40)}` } as const;

const setTariff = (fromSlot: number, retail: bigint) => ({
  target: contracts.Tariff,
  data: encodeFunctionData({
    abi: tariffAbi,
    functionName: "setTariff",
    args: [fromSlot, 80_000n, retail, 20_000n],
  }),
});
const rotate = (meterId: number, fromSlot: number, signer: `0x${string}`) => ({
  target: contracts.MeterRegistry,
  data: encodeFunctionData({
    abi: meterRegistryAbi,
    functionName: "rotateSigner",
    args: [meterId, fromSlot, signer, "0x22", "0x"],
  }),
});
const setActive = (meterId: number, active: boolean) => ({
  target: contracts.MeterRegistry,
  data: encodeFunctionData({ abi: meterRegistryAbi, functionName: "setActive", args: [meterId, active] }),
});

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
  it("is found again by what it wants, whatever slot it is to hold from", () => {
    const same = (one: ReturnType<typeof rotate>, other: ReturnType<typeof rotate>) =>
      isSameIntent(one, other, contracts);
    expect(same(setTariff(9, 300_000n), setTariff(12, 300_000n))).to.equal(true);
    expect(same(setTariff(9, 300_000n), setTariff(9, 310_000n))).to.equal(false);
    expect(same(rotate(7, 9, "0x11"), rotate(7, 10, "0x11"))).to.equal(true);
    expect(same(rotate(7, 9, "0x11"), rotate(8, 9, "0x11"))).to.equal(false);
    expect(same(rotate(7, 9, "0x11"), rotate(7, 9, "0x12"))).to.equal(false);
    expect(same(setActive(7, false), setActive(7, false))).to.equal(true);
    expect(same(setActive(7, false), setActive(7, true))).to.equal(false);
    const { data } = setTariff(9, 300_000n);
    expect(isSameIntent({ target: OWNER, data }, { target: contracts.Tariff, data }, contracts)).to.equal(false);
  });
  it("is too late once the contract does not take its slot any more", () => {
    const late = (call: ReturnType<typeof rotate>, current: number, notice: number) =>
      isTooLate(readCall(call, contracts), current, notice);
    expect(late(setTariff(9, 300_000n), 7, 2)).to.equal(false);
    expect(late(setTariff(9, 300_000n), 8, 2)).to.equal(true);
    expect(late(rotate(7, 9, "0x11"), 8, 2)).to.equal(false);
    expect(late(rotate(7, 9, "0x11"), 9, 2)).to.equal(true);
    expect(late(setActive(7, false), 1_000_000, 2)).to.equal(false);
    expect(isTooLate(undefined, 1, 1)).to.equal(false);
  });
  it("of another program stays unread", () => {
    expect(readCall({ target: OWNER, data: "0x12345678" }, contracts)).to.equal(undefined);
    expect(readCall({ target: contracts.Tariff, data: "0x12345678" }, contracts)).to.equal(undefined);
  });
});
