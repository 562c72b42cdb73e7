import type { Rational, RegisterType, WordOrder } from "../register.ts";

/** A register as the device counts it. Addresses are those in the Modbus frame, from 0. */
export interface EnergyRegister {
  readonly address: number;
  readonly type: RegisterType;
  /** The most significant word first if left out. */
  readonly wordOrder?: WordOrder;
  /** Wh per count. */
  readonly wattHours: Rational;
}

export interface PowerRegister {
  readonly address: number;
  readonly type: RegisterType;
  readonly wordOrder?: WordOrder;
  /** W per count. */
  readonly watts: Rational;
  /** What a positive value means. */
  readonly positive: "import" | "export";
}

/** A meter is data: where a product keeps its registers. */
export interface MeterMap {
  readonly product: string;
  /** Document the addresses come from. */
  readonly manual: string;
  /** 3 reads holding registers, 4 input registers. */
  readonly functionCode: 3 | 4;
  /** The reads that get everything, each within the device's limits; where the device can, both energies in the same one. */
  readonly reads: readonly { readonly address: number; readonly words: number }[];
  readonly imported: EnergyRegister;
  /** Left out: the product counts in one direction only. Its export is always 0. */
  readonly exported?: EnergyRegister;
  readonly power: PowerRegister;
  /** Smallest step of the energy registers that the manual promises, mWh. A float register may be coarser still. */
  readonly resolutionMilliWh: bigint;
  /** The energy registers start again from zero here, Wh. Left out: nobody says; going back is never believed. */
  readonly wrapsAtWh?: bigint;
}
