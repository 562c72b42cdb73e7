/** Bills: what each trade cost or brought, against the utility's prices. */
export { Bills as default } from "./Bills.tsx";
