/** What breaks: the faults of docs/faults.md that can be brought about from outside while a micro-grid runs. */
import { CHAIN_FAULTS } from "./chain.ts";
import { DEVICE_FAULTS } from "./devices.ts";
import type { Fault } from "./fault.ts";
import { PROCESS_FAULTS } from "./process.ts";

export type { Fault } from "./fault.ts";

export const FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...CHAIN_FAULTS, ...DEVICE_FAULTS];
