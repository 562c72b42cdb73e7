import type { MeterMap } from "./map.ts";

/**
 * Siemens, "SENTRON PAC3200 Manual", A5E01168664B-04 (02/2008), section 3.9.3 "Modbus measured variables with the function
 * codes 0x03 and 0x04": offset 65 total active power, Float, W; section 3.9.5: offsets 801 and 809 active energy import and
 * export of tariff 1, Double, Wh, overflow at 1.0e+12. Offsets are those in the frame. A read must begin and end with a whole
 * value; 805 (import, tariff 2) lies between the two energies. Import is positive unless the meter is set up otherwise.
 */
export const siemensPac3200: MeterMap = {
  product: "Siemens SENTRON PAC3200",
  manual: "A5E01168664B-04",
  functionCode: 3,
  reads: [
    { address: 801, words: 12 },
    { address: 65, words: 2 },
  ],
  imported: { address: 801, type: "float64", wattHours: { num: 1n, den: 1n } },
  exported: { address: 809, type: "float64", wattHours: { num: 1n, den: 1n } },
  power: { address: 65, type: "float32", watts: { num: 1n, den: 1n }, positive: "import" },
  resolutionMilliWh: 1_000n,
  wrapsAtWh: 1_000_000_000_000n,
};
