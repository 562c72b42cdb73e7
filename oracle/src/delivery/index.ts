export * from "./controller.ts";
export * from "./routes.ts";
