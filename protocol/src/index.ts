export * from "./deployment.ts";
export * from "./order.ts";
export * from "./price.ts";
export * from "./registration.ts";
export * from "./slots.ts";
export * from "./typedData.ts";
export * from "./units.ts";
