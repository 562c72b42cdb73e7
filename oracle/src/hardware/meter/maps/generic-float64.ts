import type { MeterMap } from "./map.ts";

/**
 * For instruments whose registers can be laid out freely (gateways, laboratory power analyzers): set it up to show, as
 * holding registers, import (offset 0) and export (offset 4) in whole mWh as IEEE 754 doubles and the active power
 * (offset 8) in W as a single, all big-endian.
 */
export const genericFloat64: MeterMap = {
  product: "freely laid out",
  manual: "this file",
  functionCode: 3,
  reads: [{ address: 0, words: 10 }],
  imported: { address: 0, type: "float64", wattHours: { num: 1n, den: 1_000n } },
  exported: { address: 4, type: "float64", wattHours: { num: 1n, den: 1_000n } },
  power: { address: 8, type: "float32", watts: { num: 1n, den: 1n }, positive: "export" },
  resolutionMilliWh: 1n,
  wrapsAtWh: 1_000_000_000n,
};
