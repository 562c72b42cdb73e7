export { Agent, type AgentPreferences, type Decision } from "./agent.ts";
export { askHousehold } from "./household.ts";
export { Market, type MarketConstants } from "./market.ts";
