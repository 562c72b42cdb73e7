/** Deliveries: what flows now, as both meters see it, and what came of the others. */
export { Deliveries as default } from "./Deliveries.tsx";
