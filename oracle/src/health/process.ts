import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metric } from "./prometheus.ts";

/** The event loop is looked at so often, ms: fine enough for a relay's 50 ms, coarse enough to cost nothing. */
const RESOLUTION_MS = 20;

export interface ProcessMetrics {
  read(): Metric[];
  stop(): void;
}

/** What Prometheus' client libraries report about every process, under their names. */
export function processMetrics(): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return {
    read: () => {
      const { user, system } = process.cpuUsage();
      const lag = (ns: number) => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1e3) || 0;
      const metrics: Metric[] = [
        {
          name: "process_start_time_seconds",
          help: "Start of the process, Unix time.",
          type: "gauge",
          samples: Math.round(Date.now() / 1_000 - process.uptime()),
        },
        {
          name: "process_cpu_seconds_total",
          help: "Processor time, user and system.",
          type: "counter",
          samples: (user + system) / 1e6,
        },
        {
          name: "process_resident_memory_bytes",
          help: "Resident memory.",
          type: "gauge",
          samples: process.memoryUsage.rss(),
        },
        {
          name: "nodejs_eventloop_lag_p99_seconds",
          help: "99th percentile of the event loop's delay since the last scrape.",
          type: "gauge",
          samples: lag(delay.percentile(99)),
        },
        {
          name: "nodejs_eventloop_lag_max_seconds",
          help: "Largest delay of the event loop since the last scrape.",
          type: "gauge",
          samples: lag(delay.max),
        },
      ];
      delay.reset();
      return metrics;
    },
    stop: () => delay.disable(),
  };
}
