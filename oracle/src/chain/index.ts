export * from "./blocks.ts";
export * from "./client.ts";
export * from "./errors.ts";
export { type Block, type ChainEvent, REJECTIONS } from "./events.ts";
export * from "./finality.ts";
export * from "./gas.ts";
export * from "./outbox.ts";
export * from "./startup.ts";
export * from "./zone.ts";
