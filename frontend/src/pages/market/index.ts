/** The market: the price now, the balance of the grid, and who sells. */
export { Market as default } from "./Market.tsx";
