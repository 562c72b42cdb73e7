import type { MeterMap } from "./map.ts";

/**
 * Eastron, "SDM630Modbus Modbus protocol implementation", section 1.2 input registers, function 4: 0x0034 total system
 * power, W; 0x0048 total import, kWh; 0x004A total export, kWh; all Float. At most 40 parameters may be read at once, so one
 * read gets all three. The display shows hundredths of a kWh; from 131 072 kWh on a Float's own step is coarser (15.6 Wh).
 */
export const eastronSdm630: MeterMap = {
  product: "Eastron SDM630-Modbus",
  manual: "SDM630Modbus protocol implementation",
  functionCode: 4,
  reads: [{ address: 0x0034, words: 0x004c - 0x0034 }],
  imported: { address: 0x0048, type: "float32", wattHours: { num: 1_000n, den: 1n } },
  exported: { address: 0x004a, type: "float32", wattHours: { num: 1_000n, den: 1n } },
  power: { address: 0x0034, type: "float32", watts: { num: 1n, den: 1n }, positive: "import" },
  resolutionMilliWh: 10_000n,
  wrapsAtWh: 10_000_000_000n,
};
