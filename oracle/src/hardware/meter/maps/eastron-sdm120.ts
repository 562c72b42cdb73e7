import type { MeterMap } from "./map.ts";

/**
 * Eastron, "SDM120-Modbus smart meter, Modbus protocol implementation", input registers, function 4: 0x000C active power, W;
 * 0x0048 import and 0x004A export active energy, kWh; all Float. Two short reads: the meter leaves the factory at 2400 baud.
 * The display shows hundredths of a kWh up to 99999.99.
 */
export const eastronSdm120: MeterMap = {
  product: "Eastron SDM120-Modbus",
  manual: "SDM120-Modbus protocol implementation",
  functionCode: 4,
  reads: [
    { address: 0x0048, words: 4 },
    { address: 0x000c, words: 2 },
  ],
  imported: { address: 0x0048, type: "float32", wattHours: { num: 1_000n, den: 1n } },
  exported: { address: 0x004a, type: "float32", wattHours: { num: 1_000n, den: 1n } },
  power: { address: 0x000c, type: "float32", watts: { num: 1n, den: 1n }, positive: "import" },
  resolutionMilliWh: 10_000n,
  wrapsAtWh: 100_000_000n,
};
