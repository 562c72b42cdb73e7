import { expect } from "chai";
import type { TransactionReceipt } from "viem";
import { keeperMetrics } from "../cli/keeper-metrics.ts";
import { render } from "../health/index.ts";
import { Ledger } from "./ledger.ts";

const receipt = (gasUsed: bigint, effectiveGasPrice: bigint, more: object = {}) =>
  ({ gasUsed, effectiveGasPrice, ...more }) as TransactionReceipt;

describe("what keeping costs", () => {
  const metricsOf = (ledger: Ledger) =>
    render(
      keeperMetrics({
        unitsPerKWh: 1_000n,
        ledger,
        headAgeS: 1,
        openTransactions: 0,
        isTooDear: false,
        gateway: undefined,
      }),
    );

  it("is told by kind of transaction and for each kWh that was settled, to the last wei", () => {
    const ledger = new Ledger();
    ledger.pay("settle", receipt(100_000n, 7n));
    ledger.pay("settle", receipt(50_000n, 9n));
    ledger.pay("close 12", receipt(65_000n, 7n));
    ledger.settle("auction", 1_500n);
    ledger.settle("direct", 500n);
    const lines = metricsOf(ledger).split("\n");
    expect(lines).to.include.members([
      'ioe_keeper_transactions_total{kind="settle"} 2',
      'ioe_keeper_gas_total{kind="settle"} 150000',
      'ioe_keeper_gas_total{kind="close"} 65000',
      'ioe_keeper_spent_wei_total{kind="settle"} 1150000',
      'ioe_settled_joules_total{market="auction"} 5400000',
      'ioe_settled_joules_total{market="direct"} 1800000',
      "ioe_keeper_gas_per_kwh 107500",
      "ioe_keeper_wei_per_kwh 802500",
    ]);
  });

  it("contains what a chain below takes", () => {
    const ledger = new Ledger();
    ledger.pay("clear", receipt(10n, 2n, { l1Fee: "0x64" }));
    expect(ledger.total).to.deep.equal({ transactions: 1, gas: 10n, wei: 120n });
  });

  it("has no price for a kWh before one is settled", () => {
    const ledger = new Ledger();
    ledger.pay("clear", receipt(10n, 2n));
    expect(metricsOf(ledger)).not.to.contain("per_kwh");
  });
});
