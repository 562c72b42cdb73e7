import type { MeterMap } from "./map.ts";

/**
 * Peacefair, "PZEM-014/016 User Manual", section 2.3, input registers, function 4: 0x0003 active power in 0.1 W and 0x0005
 * active energy in Wh, the low word first. Measuring range 0 to 9999.99 kWh in steps of 1 Wh. It knows no direction: what is
 * fed back counts up like what is consumed, so it belongs where energy can flow one way only. 9600 baud, 8N1, unit 1.
 */
export const pzem016: MeterMap = {
  product: "Peacefair PZEM-014 and PZEM-016",
  manual: "PZEM-014/016 User Manual",
  functionCode: 4,
  reads: [{ address: 0x0003, words: 4 }],
  imported: { address: 0x0005, type: "uint32", wordOrder: "low-first", wattHours: { num: 1n, den: 1n } },
  power: {
    address: 0x0003,
    type: "uint32",
    wordOrder: "low-first",
    watts: { num: 1n, den: 10n },
    positive: "import",
  },
  resolutionMilliWh: 1_000n,
  wrapsAtWh: 10_000_000n,
};
