export * from "./server.ts";
export * from "./gauge.ts";
