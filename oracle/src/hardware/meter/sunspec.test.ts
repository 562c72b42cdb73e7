import { expect } from "chai";
import { type EnergyMeter, createMeter, meterDriverSchema } from "../index.ts";
import { type BareServer, bareModbusServer, rejection } from "../testing/bare-server.ts";

const never = new AbortController().signal;

/** Registers from an address on. */
type Block = readonly [address: number, words: number[]];

const text = (value: string, words = 16) => {
  const bytes = Buffer.alloc(2 * words);
  bytes.write(value, "latin1");
  return Array.from({ length: words }, (_, i) => bytes.readUInt16BE(2 * i));
};
const u32 = (value: number) => [value >>> 16, value & 0xffff];
const f32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
};
const common = [1, 66, ...text("Acme"), ...text("M200"), ...text("", 8), ...text("1.0", 8), ...text("SN42"), 1, 0x8000];

/** A model of the length the standard gives it, with what is said at its places. */
function model(number: number, length: number, at: Record<number, number[]>): number[] {
  const words = [number, length, ...Array<number>(length).fill(0x8000)];
  for (const [from, values] of Object.entries(at)) words.splice(Number(from), values.length, ...values);
  return words;
}
const signed = (value: number) => value & 0xffff;
/** Exported 6 789 · 10 Wh, imported 123 456 · 10 Wh, power 1 500.0 W (tenths). */
const integer = (number: number, at: Record<number, number[]> = {}) =>
  model(number, 105, { 18: [15_000], 22: [signed(-1)], 38: u32(6_789), 46: u32(123_456), 54: [1], ...at });
const float = (number: number, at: Record<number, number[]> = {}) =>
  model(number, 124, { 28: f32(-1_500), 60: f32(6_789.5), 68: f32(123_456.5), ...at });

/** A map as a device shows it: mark, common model, models, end. */
const map = (base: number, ...models: number[][]): Block => [
  base,
  [...u32(0x53756e53), ...common, ...models.flat(), 0xffff, 0],
];

describe("SunSpec meter", () => {
  let server: BareServer | undefined;
  let meter: EnergyMeter | undefined;
  /** What the device shows; all else is an illegal address. */
  let image: Map<number, number>;

  const show = ([address, words]: Block) => words.forEach((word, i) => image.set(address + i, word));
  const meterOf = async (block: Block, more: object = {}, unitsPerKWh = 1_000n) => {
    image = new Map();
    show(block);
    server = await bareModbusServer({
      getHoldingRegister: (address: number) => {
        const word = image.get(address);
        if (word === undefined) throw Object.assign(new Error(), { modbusErrorCode: 2 });
        return word;
      },
    });
    const at = { host: "127.0.0.1", port: server.port, timeoutMs: 300 };
    const config = { driver: "sunspec", ...at, scope: "connection", maxPowerW: 10_000, ...more };
    meter = createMeter(meterDriverSchema.parse(config), { unitsPerKWh });
    return meter;
  };

  afterEach(async () => {
    await meter?.dispose();
    await server?.close();
    meter = server = undefined;
  });

  for (const base of [40_000, 50_000, 0]) {
    it(`is found at ${base}`, async () => {
      const found = await meterOf(map(base, integer(203)));
      expect(await found.read(never)).to.include({ imported: 1_234_560n, exported: 67_890n, powerW: -1_500 });
      expect(found.name).to.match(/^SunSpec meter Acme M200 \(serial SN42\) at 127\.0\.0\.1:\d+ unit 1$/);
    });
  }

  for (const number of [201, 202, 203, 204]) {
    it(`of model ${number} counts in the steps of its scale factor and wraps at 2³² of them`, async () => {
      const found = await meterOf(map(40_000, model(103, 50, {}), integer(number)));
      await found.read(never);
      expect(found).to.include({ resolution: 10n, wrap: 10n * (1n << 32n) });
    });
  }

  for (const number of [211, 212, 213, 214]) {
    it(`of model ${number} counts in floats and never wraps`, async () => {
      const found = await meterOf(map(40_000, float(number)));
      expect(await found.read(never)).to.include({ imported: 123_456n, exported: 6_789n, powerW: 1_500 });
      expect(found).to.include({ resolution: 1n, wrap: undefined });
    });
  }

  it("scales exactly where the steps are smaller than a unit", async () => {
    const found = await meterOf(map(40_000, integer(203, { 54: [signed(-2)] })), {}, 1_000_000n);
    expect(await found.read(never)).to.include({ imported: 1_234_560n, exported: 67_890n });
    expect(found).to.include({ resolution: 10n, wrap: 10n * (1n << 32n) });
  });

  it("follows a scale factor that the device changes", async () => {
    const found = await meterOf(map(40_000, integer(203)));
    await found.read(never);
    show([40_070, integer(203, { 54: [2], 46: u32(12_346), 38: u32(678) })]);
    expect(await found.read(never)).to.include({ imported: 1_234_600n, exported: 67_800n });
    expect(found.resolution).to.equal(100n);
  });

  it("takes positive power as the configuration says", async () => {
    const found = await meterOf(map(40_000, integer(203)), { positive: "export" });
    expect((await found.read(never)).powerW).to.equal(1_500);
  });

  it("is chosen by number where there are several", async () => {
    const two = map(40_000, integer(203), common, integer(203, { 46: u32(7) }));
    expect((await rejection((await meterOf(two)).read(never))).message).to.match(
      /several meters; say which one with meter: 1 \(model 203\), 2 \(model 203\)/,
    );
    await server!.close();
    expect((await (await meterOf(two, { meter: 2 })).read(never)).imported).to.equal(70n);
  });

  it("is looked for again when the device has arranged its models anew", async () => {
    const found = await meterOf(map(40_000, integer(203)));
    await found.read(never);
    show(map(40_000, model(103, 50, {}), integer(203)));
    expect((await rejection(found.read(never))).message).to.match(/model 203 is not at register 40070 any more/);
    expect((await found.read(never)).imported).to.equal(1_234_560n);
  });

  const refused: [string, Block, RegExp][] = [
    ["without a map", [100, [1, 2]], /has no SunSpec map at 40000, 50000, 0; switch SunSpec on/],
    ["without a meter", map(40_000, model(103, 50, {})), /Acme M200 \(serial SN42\) has 0 SunSpec meters.*: 1, 103/],
    ["whose list does not end", [40_000, [...u32(0x53756e53), 5, 0]], /list of SunSpec models does not end/],
    ["whose scale factor is missing", map(40_000, integer(203, { 54: [0x8000] })), /scale factor .* marked as missing/],
    ["whose scale factor is wild", map(40_000, integer(203, { 54: [11] })), /scale factor of .* is 11, not within/],
    ["whose energy is missing", map(40_000, integer(203, { 46: u32(0xffff_ffff) })), /imported energy is marked as/],
    ["whose power is missing", map(40_000, integer(203, { 18: [0x8000] })), /power is marked as missing/],
    ["whose energy is NaN", map(40_000, float(213, { 68: f32(NaN) })), /imported energy is no finite number/],
    ["whose power is NaN", map(40_000, float(213, { 28: f32(NaN) })), /power is no finite number/],
    ["whose energy is negative", map(40_000, float(213, { 60: f32(-1) })), /exported energy is negative/],
  ];
  for (const [what, block, message] of refused) {
    it(`refuses a device ${what}`, async () => {
      expect((await rejection((await meterOf(block)).read(never))).message).to.match(message);
    });
  }
});
