import type { Metric } from "../health/index.ts";
import type { Ledger } from "../keeper/index.ts";
import { counter, gauge, toJoules, transactionMetrics } from "./metrics.ts";

/** What a keeper knows about itself at one moment. */
export interface KeeperView {
  unitsPerKWh: bigint;
  ledger: Ledger;
  /** Seconds since the newest block it has looked at; nothing before the first. */
  headAgeS: number | undefined;
  openTransactions: number;
  isTooDear: boolean;
  gateway: { queued: number; relayed: number; refused: number } | undefined;
}

/** The keeper's own metrics: what keeping costs, and for how much energy. */
export function keeperMetrics(view: KeeperView): Metric[] {
  const { unitsPerKWh, ledger, headAgeS, gateway } = view;
  const kinds = [...ledger.spent];
  const byKind = (value: (kind: (typeof kinds)[number][1]) => number | bigint) =>
    kinds.map(([kind, spending]) => ({ labels: { kind }, value: value(spending).toString() }));
  const settled = [...ledger.settled];
  const units = settled.reduce((sum, [, energy]) => sum + energy, 0n);
  const { gas, wei } = ledger.total;
  const perKWh = (amount: bigint) => (units === 0n ? undefined : ((amount * unitsPerKWh) / units).toString());
  return [
    counter(
      "keeper_transactions_total",
      "Transactions that were paid for.",
      byKind(({ transactions }) => transactions),
    ),
    counter(
      "keeper_gas_total",
      "Gas they used.",
      byKind((spending) => spending.gas),
    ),
    counter(
      "keeper_spent_wei_total",
      "What they cost.",
      byKind((spending) => spending.wei),
    ),
    counter(
      "settled_joules_total",
      "Energy that was settled in the zone, by anybody.",
      settled.map(([market, energy]) => ({ labels: { market }, value: toJoules(energy, unitsPerKWh) })),
    ),
    gauge("keeper_gas_per_kwh", "Gas used since the start for each kWh settled meanwhile.", perKWh(gas)),
    gauge("keeper_wei_per_kwh", "Money spent since the start for each kWh settled meanwhile.", perKWh(wei)),
    gauge("chain_head_age_seconds", "Age of the newest block seen, by its own timestamp.", headAgeS),
    ...transactionMetrics(view),
    gauge("gateway_queued", "Readings that wait for their batch.", gateway?.queued),
    counter("gateway_relayed_total", "Readings brought to the chain.", gateway?.relayed),
    counter("gateway_refused_total", "Readings refused.", gateway?.refused),
  ];
}
