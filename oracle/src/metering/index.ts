export type { Registers } from "./interpolate.ts";
export type { MeterFault, SamplerOptions } from "./sampler.ts";
export { type Offsets, energyIn } from "./plausibility.ts";
export { Readings, type SignedReading, epochAt } from "./readings.ts";
export { replaceMeter } from "./replace.ts";
export { Reporter } from "./reporter.ts";
export { Sampler } from "./sampler.ts";
export { MeterKey, signPossession } from "./sign.ts";
export { SampleTime } from "./time.ts";
