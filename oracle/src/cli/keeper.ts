import { Outbox, Zone, checkNodes, checkSender, createChainClient, untilReachable } from "../chain/index.ts";
import { systemClock as clock } from "../clock.ts";
import { type KeeperConfig, bareKeys, loadDeployment, loadKeeperConfig, loadKey } from "../config/index.ts";
import { Desk, GatewayServer, Inbox, MqttDoor, RegistryOnChain } from "../gateway/index.ts";
import { HealthServer, processMetrics } from "../health/index.ts";
import { Keeper, Ledger } from "../keeper/index.ts";
import { createLogger, reasonOf } from "../log.ts";
import { ProcessLock, keyIdentity } from "../safety/index.ts";
import { keeperMetrics } from "./keeper-metrics.ts";
import { gauge } from "./metrics.ts";
import { openSenderJournal } from "./sender-journal.ts";

/** Of several keepers that were not told otherwise, each waits another time within so many seconds. */
const SPREAD_S = 30;
/** Health: the chain's head is older than this, s. */
const HEAD_STALE_S = 60;

/**
 * `ioe keeper`: clears, settles and closes, and relays what Pis hand in, until the signal aborts.
 * @param asked aborts when somebody wants it to end.
 * @throws ConfigError, ChainError and JournalError
 */
export async function runKeeper(configPath: string, asked: AbortSignal): Promise<void> {
  const config = loadKeeperConfig(configPath);
  const { chain, journal: path, keys, gateway, waitS = Math.floor(Math.random() * SPREAD_S) } = config;
  const deployment = loadDeployment(chain.deployment);
  const account = loadKey(keys.sender, "keys.sender", keys.passwordFile);
  const log = createLogger(config.log);
  for (const warning of bareKeys(keys, deployment.chainId)) log.warn("keys.warning", { warning });
  await ProcessLock.acquire(`keys.sender (${account.address})`, keyIdentity(deployment, account));
  const client = createChainClient(chain.rpcUrls);
  const { journal, broken, signal } = openSenderJournal(path, deployment, asked);
  const ownMetrics = config.metrics && processMetrics();
  const doors: { stop(): Promise<void> }[] = [];
  try {
    await untilReachable(clock, log, signal, async () => {
      const silent = await checkNodes(deployment, chain.rpcUrls);
      for (const warning of [...silent, ...(await checkSender(client, account.address))])
        log.warn("chain.warning", { warning });
    });
    const { pollMs, maxFeeGwei } = chain;
    const { chainId } = deployment;
    const ledger = new Ledger();
    const outbox = new Outbox(
      {
        client,
        account,
        chainId,
        store: journal,
        clock,
        log,
        pollMs,
        maxFeeGwei,
        onPaid: (label, receipt) => ledger.pay(label, receipt),
      },
      signal,
    );
    // What is sent meanwhile comes after what is taken up.
    void outbox.recover().catch((error: unknown) => {
      if (!signal.aborted) log.warn("transaction.recovery-failed", { reason: reasonOf(error) });
    });
    const zone = new Zone(client, deployment, outbox);
    const { domain, slotDuration, unitsPerKWh } = await untilReachable(clock, log, signal, () => zone.constants());
    const keeper = new Keeper({ client, deployment, outbox, clock, log, pollMs, waitS, ledger });
    const tasks = [keeper.run(signal)];
    let inbox: Inbox | undefined;
    let gatewayPort: number | undefined;
    if (gateway) {
      const registry = new RegistryOnChain({ client, zone, deployment, domain });
      const onRelayed = (meterIds: number[]) => keeper.stir(meterIds);
      inbox = new Inbox({ chain: registry, clock, log, slotDuration, unitsPerKWh, onRelayed });
      gatewayPort = await openDoors(gateway, new Desk({ inbox, clock, log }), doors, log);
      tasks.push(inbox.run(signal));
    }
    const headAgeS = () => (keeper.lookedAt === 0 ? undefined : clock.unixMs() / 1_000 - keeper.lookedAt);
    let metricsPort: number | undefined;
    if (config.metrics) {
      const health = new HealthServer(config.metrics, {
        troubles: () => {
          // It looks at no block while a transaction of its own waits.
          if (outbox.trouble) return [outbox.trouble];
          const isStale = (headAgeS() ?? Infinity) > HEAD_STALE_S;
          return [...(isStale ? ["no new block for a minute"] : []), ...keeper.troubles];
        },
        metrics: () => [
          ...ownMetrics!.read(),
          ...keeperMetrics({
            unitsPerKWh,
            ledger,
            headAgeS: headAgeS(),
            openTransactions: journal.openOutbox(account.address).length,
            isTooDear: outbox.trouble !== undefined,
            gateway: inbox && { queued: inbox.queued, ...inbox.counts },
          }),
          gauge("keeper_failing_duties", "Duties that have failed for a minute and more.", keeper.troubles.length),
        ],
      });
      doors.push(health);
      metricsPort = await health.start();
    }
    log.info("ready", { sender: account.address, waitS, gatewayPort, metricsPort });
    await Promise.all(tasks);
    broken.throwIfAborted();
  } finally {
    await Promise.allSettled(doors.map((door) => door.stop()));
    ownMetrics?.stop();
    journal.close();
    log.info("stopped");
  }
}

/** @returns the port of the one for HTTP. */
async function openDoors(
  { mqtt, ...http }: NonNullable<KeeperConfig["gateway"]>,
  desk: Desk,
  doors: { stop(): Promise<void> }[],
  log: ReturnType<typeof createLogger>,
): Promise<number> {
  const server = new GatewayServer({ ...http, desk, clock });
  doors.push(server);
  const port = await server.start();
  if (mqtt) {
    const door = new MqttDoor({ config: mqtt, requestsPerSecond: mqtt.requestsPerSecond, desk, clock, log });
    doors.push(door);
    door.start();
  }
  return port;
}
