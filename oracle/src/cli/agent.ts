import { endOf, formatKWh } from "@ioe/protocol";
import {
  Agent,
  type AgentPreferences,
  type Decision,
  Market,
  type MarketConstants,
  askHousehold,
} from "../agent/index.ts";
import { BlockLoop, Outbox, checkNodes, checkSender, createChainClient, untilReachable } from "../chain/index.ts";
import { systemClock as clock } from "../clock.ts";
import { type AgentConfig, bareKeys, loadAgentConfig, loadDeployment, loadKey } from "../config/index.ts";
import { createLogger } from "../log.ts";
import { ProcessLock, keyIdentity } from "../safety/index.ts";
import { openSenderJournal } from "./sender-journal.ts";

/**
 * `ioe agent`: trades for one meter until the signal aborts.
 * @throws ConfigError, ChainError and JournalError
 */
export async function runAgent(
  configPath: string,
  { once, dryRun }: { once: boolean; dryRun: boolean },
  asked: AbortSignal,
): Promise<void> {
  const config = loadAgentConfig(configPath);
  const { chain, keys, meter } = config;
  const deployment = loadDeployment(chain.deployment);
  const account = loadKey(keys.trader, "keys.trader", keys.passwordFile);
  // What a dry run prints is for people.
  const log = createLogger(dryRun ? { level: "error" } : config.log);
  for (const warning of bareKeys(keys, deployment.chainId)) log.warn("keys.warning", { warning });
  if (!dryRun) await ProcessLock.acquire(`keys.trader (${account.address})`, keyIdentity(deployment, account));
  const client = createChainClient(chain.rpcUrls);
  const path = dryRun ? ":memory:" : config.journal;
  const { journal, broken, signal } = openSenderJournal(path, deployment, asked);
  try {
    await untilReachable(clock, log, signal, async () => {
      const silent = await checkNodes(deployment, chain.rpcUrls);
      const purse = await checkSender(client, account.address, dryRun ? "nothing is sent" : undefined, "keys.trader");
      for (const warning of [...silent, ...purse]) log.warn("chain.warning", { warning });
    });
    const market = new Market(client, deployment, meter.id, journal);
    const { pollMs, maxFeeGwei } = chain;
    const { chainId, contracts } = deployment;
    const outbox = new Outbox({ client, account, chainId, store: journal, clock, log, pollMs, maxFeeGwei }, signal);
    if (!dryRun) await outbox.recover();
    const agent = new Agent({
      market,
      book: journal,
      household: () => askHousehold(config.oracle, meter.id),
      trader: account.address,
      preferences: preferencesOf(config),
      outbox,
      log,
      signal,
    });
    const blocks = new BlockLoop({
      client,
      store: journal,
      clock,
      log,
      addresses: [contracts.CallAuction],
      deploymentBlock: { number: BigInt(deployment.deploymentBlock), hash: deployment.deploymentBlockHash },
      confirmations: chain.confirmations,
      pollMs,
      apply: (events) => {
        for (const event of events)
          if (event.type === "OrderPlaced" && event.order.meterId === meter.id)
            journal.placeOrder(event.orderId, event.order.slot, event.block);
      },
      onHead: (head) => {
        if (!once) agent.onHead(head);
      },
    });
    if (!once) {
      log.info("ready", { meterId: meter.id, trader: account.address });
      await blocks.run(signal).finally(() => agent.idle());
      broken.throwIfAborted();
      return;
    }
    await blocks.step();
    const decision = await agent.decide(blocks.head!.timestamp);
    if (dryRun) process.stdout.write(describe(decision, await market.constants()));
    else await agent.carryOut(decision);
  } finally {
    journal.close();
    log.info("stopped");
  }
}

function preferencesOf({ preferences }: AgentConfig): AgentPreferences {
  const { lowestSellPrice, highestBuyPrice, budget, slotsAhead, battery } = preferences;
  const units = (value: number | undefined) => (value === undefined ? undefined : BigInt(value));
  return {
    lowestSellPrice: units(lowestSellPrice),
    highestBuyPrice: units(highestBuyPrice),
    budget: units(budget),
    slotsAhead,
    battery,
  };
}

function describe(decision: Decision, { slotDuration, unitsPerKWh, minPrice, tickSize }: MarketConstants): string {
  const { obstacle, views, place, cancel, leftAlone } = decision;
  if (obstacle !== undefined) return `nothing can be traded: ${obstacle}\n`;
  const kWh = (energy: bigint) => `${formatKWh(energy, unitsPerKWh)} kWh`;
  const lines = views
    .filter(({ open }) => open)
    .map(({ slot, expected, orders, busy }) => {
      const order = place.find((wanted) => wanted.slot === slot);
      const kept = orders.filter(({ id }) => !cancel.includes(id));
      const done = order
        ? `would ${order.side === "ask" ? "sell" : "buy"} ${kWh(order.energy)} at ${minPrice + BigInt(order.tick) * tickSize} base units per kWh or ${order.side === "ask" ? "more" : "less"}`
        : leftAlone.includes(slot)
          ? "leaves the orders that are there alone"
          : busy
            ? "has a direct delivery"
            : kept.length > 0
              ? "would keep its order"
              : "would do nothing";
      const balance = expected === undefined ? "cannot say what to expect" : `expects ${signed(expected, kWh)}`;
      const cancelled = orders.length - kept.length;
      return `${new Date(endOf(slot - 1, slotDuration) * 1_000).toISOString()}  ${balance}, ${done}${cancelled ? `, cancel ${cancelled}` : ""}\n`;
    });
  return lines.join("");
}

function signed(energy: bigint, kWh: (energy: bigint) => string): string {
  return energy < 0n ? `to need ${kWh(-energy)}` : `to have ${kWh(energy)} left`;
}
