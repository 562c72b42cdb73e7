export { Authority } from "./authority.ts";
export { FaultLatch } from "./fault-latch.ts";
export { ProcessLock, ProcessLockError, keyIdentity } from "./process-lock.ts";
export * from "./monitor.ts";
export * from "./refusal.ts";
export * from "./relay-set.ts";
export type { OnLimits } from "./relays.ts";
