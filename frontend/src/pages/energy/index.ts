/** Energy: one's meters, where energy came from and went, and its certificates. */
export { Energy as default } from "./Energy.tsx";
