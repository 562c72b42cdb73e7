export { Keeper, type KeeperOptions } from "./keeper.ts";
export { Ledger, type MarketName, type Spending } from "./ledger.ts";
