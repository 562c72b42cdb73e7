import { formatDecimal } from "@ioe/protocol";
import type { DeliveryStatus } from "../delivery/index.ts";
import type { MeterSample, RelayPosition } from "../hardware/index.ts";
import type { Metric } from "../health/index.ts";
import { FAULT_KINDS, type FaultKind } from "../safety/index.ts";

/** What an oracle knows about itself at one moment. */
export interface OracleView {
  meterId: number;
  unitsPerKWh: bigint;
  head: { number: bigint; timestamp: number } | undefined;
  /** Wall clock, Unix seconds. */
  now: number;
  sample: MeterSample | undefined;
  sampleAgeMs: number | undefined;
  cycleAgeMs: number;
  relays: Record<string, RelayPosition>;
  delivery: DeliveryStatus | undefined;
  leases: { delivery: boolean; fill: boolean };
  fault: FaultKind | undefined;
  readings: { pending: number; accepted: number; rejected: number };
  openTransactions: number;
  isTooDear: boolean;
}

/** The oracle's own metrics. Energy is in joules, as Prometheus wants base units: 1 kWh = 3 600 000 J. */
export function oracleMetrics(view: OracleView): Metric[] {
  const { head, sample, delivery, readings, unitsPerKWh } = view;
  const joules = (energy: bigint | undefined) => (energy === undefined ? undefined : toJoules(energy, unitsPerKWh));
  return [
    gauge("meter_info", "The meter this oracle reads.", [{ labels: { meter: String(view.meterId) }, value: 1 }]),
    gauge("meter_power_watts", "Momentary power; positive when the meter exports.", sample?.powerW),
    counter("meter_imported_joules_total", "Import register.", joules(sample?.imported)),
    counter("meter_exported_joules_total", "Export register.", joules(sample?.exported)),
    gauge("meter_sample_age_seconds", "Age of the newest sample that was believed.", inSeconds(view.sampleAgeMs)),
    gauge("control_cycle_age_seconds", "Age of the last complete control cycle.", inSeconds(view.cycleAgeMs)),
    gauge("chain_head_block", "Newest block seen.", head?.number.toString()),
    gauge("chain_head_age_seconds", "Age of that block by its own timestamp.", head && view.now - head.timestamp),
    gauge(
      "relay_closed",
      "Commanded and confirmed position.",
      Object.entries(view.relays).map(([relay, position]) => ({ labels: { relay }, value: position === "closed" })),
    ),
    gauge(
      "authority_lease_valid",
      "The contract was read recently enough for relays to be closed.",
      Object.entries(view.leases).map(([lease, value]) => ({ labels: { for: lease }, value })),
    ),
    gauge(
      "fault",
      "What keeps the relays open.",
      FAULT_KINDS.map((kind) => ({ labels: { kind }, value: view.fault === kind })),
    ),
    gauge("delivery_open", "A delivery is under way.", delivery !== undefined && delivery.phase !== "ended"),
    gauge("delivery_energy_joules", "Energy the delivery promises.", joules(delivery?.energy)),
    gauge("delivery_moved_joules", "Energy that has moved in it, by this meter.", joules(delivery?.moved)),
    gauge("readings_pending", "Signed readings that are not on chain yet.", readings.pending),
    counter("readings_accepted_total", "Readings the registry took since the start.", readings.accepted),
    counter("readings_rejected_total", "Readings the registry refused since the start.", readings.rejected),
    ...transactionMetrics(view),
  ];
}

export function transactionMetrics(view: { openTransactions: number; isTooDear: boolean }): Metric[] {
  return [
    gauge("transactions_open", "Transactions sent and not mined yet.", view.openTransactions),
    gauge("transactions_too_dear", "One waits because a gas costs more than chain.maxFeeGwei.", view.isTooDear),
  ];
}

export function gauge(name: string, help: string, samples: Metric["samples"]): Metric {
  return { name: `ioe_${name}`, help, type: "gauge", samples };
}

export function counter(name: string, help: string, samples: Metric["samples"]): Metric {
  return { ...gauge(name, help, samples), type: "counter" };
}

/** Exact: a unit is 3 600 J or 3.6 J. */
export function toJoules(energy: bigint, unitsPerKWh: bigint): string {
  return formatDecimal((energy * 36_000_000n) / unitsPerKWh, 1);
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms) / 1_000;
}
