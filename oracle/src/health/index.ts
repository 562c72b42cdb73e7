export { HealthServer, type Health } from "./server.ts";
export { type Metric, type Sample, render } from "./prometheus.ts";
export { type ProcessMetrics, processMetrics } from "./process.ts";
export { Pulse } from "./pulse.ts";
export { type Supervisor, supervisor } from "./systemd.ts";
