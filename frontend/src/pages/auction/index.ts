/** The call auction: the book of a slot, orders for it, and what became of past ones. */
export { Auction as default } from "./Auction.tsx";
