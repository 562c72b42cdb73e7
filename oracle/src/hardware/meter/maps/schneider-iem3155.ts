import type { MeterMap } from "./map.ts";

/**
 * Schneider Electric, "iEM3100 / iEM3200 / iEM3300 series user manual", DOCA0005EN, chapter "Communication via Modbus":
 * register list, function 3. The list counts registers from 1, the frame from 0: 3060 there is 3059 here. Energy is Int64 in Wh
 * ("total energy, cannot be reset"), power Float32 in kW, negative when exporting. A value that is not available is
 * 0x8000000000000000 or NaN.
 */
export const schneiderIem3155: MeterMap = {
  product: "Schneider Electric iEM3155",
  manual: "DOCA0005EN",
  functionCode: 3,
  reads: [
    { address: 3203, words: 8 },
    { address: 3059, words: 2 },
  ],
  imported: { address: 3203, type: "int64", wattHours: { num: 1n, den: 1n } },
  exported: { address: 3207, type: "int64", wattHours: { num: 1n, den: 1n } },
  power: { address: 3059, type: "float32", watts: { num: 1_000n, den: 1n }, positive: "import" },
  resolutionMilliWh: 1_000n,
  wrapsAtWh: 1n << 63n,
};
