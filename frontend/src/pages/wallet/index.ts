/** Wallet: money for trading and certificates of what was traded. */
export { Wallet as default } from "./Wallet.tsx";
