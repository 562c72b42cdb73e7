/** What people see while the chain's history is being read. */
export { HistoryPlace } from "./HistoryPlace.tsx";
export { HistoryStatus } from "./HistoryStatus.tsx";
