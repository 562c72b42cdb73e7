/** Debug: every function of every contract, read and written from the ABI. On a local chain only. */
export { Debug as default } from "./Debug.tsx";
