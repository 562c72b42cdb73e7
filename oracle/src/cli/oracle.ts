import { dirname } from "node:path";
import {
  BlockLoop,
  type ChainEvent,
  KeptTerms,
  Outbox,
  type Terms,
  Zone,
  checkChain,
  confirmationsFor,
  createChainClient,
  untilReachable,
  worldOf,
} from "../chain/index.ts";
import { clockSynchronised } from "../clock-synchronised.ts";
import { systemClock } from "../clock.ts";
import { ConfigError, type OracleConfig, bareKeys, loadConfig, loadDeployment, loadKey } from "../config/index.ts";
import { ControlServer, socketPath } from "../control/index.ts";
import { Deliveries } from "../delivery/index.ts";
import { Fills } from "../fills/index.ts";
import { Courier, type Gateway, gatewayOf, pushTelemetry } from "../gateway/index.ts";
import {
  type BatteryGauge,
  type EnergyMeter,
  type RelayDriver,
  createBattery,
  createMeter,
  createRelay,
  relayIdentity,
} from "../hardware/index.ts";
import { HealthServer, Pulse, processMetrics, supervisor } from "../health/index.ts";
import { Journal } from "../journal/index.ts";
import { Gauge, LiveServer, type LiveSource, liveEvent } from "../live/index.ts";
import { type Logger, createLogger, reasonOf } from "../log.ts";
import { MeterKey, Readings, Reporter, SampleTime, Sampler, type SamplerOptions } from "../metering/index.ts";
import { FaultLatch, Monitor, type OnLimits, ProcessLock, RelaySet, keyIdentity } from "../safety/index.ts";
import { oracleMetrics } from "./metrics.ts";

const clock = systemClock;
const UNDATED = "the clock is not synchronised";
/** Nothing that is left to do at the end may take longer. */
const LAST_WORDS_MS = 900;
/** A node that has not answered by then is not waited for, if it is known from before how to measure and to sign. */
const FIRST_ANSWER_MS = 5_000;
/** Health: the chain's head is older than this, or the meter's newest sample older than so many polls. */
const HEAD_STALE_MS = 60_000;
const SAMPLE_STALE_POLLS = 4;
/** The control loop has stopped when a cycle takes longer than this, or than so many polls. */
const CYCLE_MS = 20_000;
const CYCLE_POLLS = 4;

/** The relays of a configuration, undecorated. */
function createRelays(config: OracleConfig): Map<string, RelayDriver> {
  return new Map(Object.entries(config.relays).map(([name, relay]) => [name, createRelay(relay, { name, clock })]));
}

/**
 * `ioe run`: wires the rooms together and runs until the signal aborts. Relays are open before anything else is
 * asked, and open again when it returns or throws.
 * @throws ConfigError, ChainError, JournalError and whatever else makes going on pointless
 */
export async function runOracle(configPath: string, signal: AbortSignal): Promise<void> {
  const config = loadConfig(configPath);
  const deployment = loadDeployment(config.chain.deployment);
  const log = createLogger({ level: config.log.level });
  const { passwordFile } = config.keys;
  const meterKey = loadKey(config.keys.meter, "keys.meter", passwordFile);
  const sender =
    config.keys.sender === undefined ? undefined : loadKey(config.keys.sender, "keys.sender", passwordFile);
  for (const warning of bareKeys(config.keys, deployment.chainId)) log.warn("keys.warning", { warning });

  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(signal.reason), { once: true });
  if (signal.aborted) return;

  let monitor: Monitor | undefined;
  let deliveries: Deliveries | undefined;
  let fills: Fills | undefined;
  let switchedOff = false;
  let movedMilliWh: () => bigint | undefined = () => undefined;
  let believesClock = () => false;
  const relays = new RelaySet({
    relays: createRelays(config),
    interlocks: config.interlocks,
    deviceLeaseMs: config.safety.deviceLeaseMs,
    minOpenMs: config.safety.minOpenMs,
    limits: onLimits(config),
    movedMilliWh: () => movedMilliWh(),
    onWelded: (reason) => monitor?.weld(reason),
    clock,
    log,
    blocked: () => {
      if (stop.signal.aborted) return "the oracle is stopping";
      if (switchedOff) return "the relays were switched off by hand; restart the oracle to trade again";
      const fault = monitor?.fault;
      if (fault) return `${fault.kind}: ${fault.reason}`;
      if (!deliveries?.authorized && !fills?.authorized) return "the contract has not been read";
      return believesClock() ? undefined : UNDATED;
    },
  });
  // A signal opens the relays by itself, whatever the rest is waiting for.
  stop.signal.addEventListener("abort", () => void relays.openAll("stopping"), { once: true });

  const control = new ControlServer(socketPath(config.journal), Object.keys(config.relays), () => {
    switchedOff = true;
    return relays.openAll("switched off by hand");
  });

  // Before anything is touched: the relays may be another oracle's.
  await control.start();
  for (const [name, relay] of Object.entries(config.relays))
    await ProcessLock.acquire(`relays.${name}`, relayIdentity(relay));
  // Two that count the nonces of one key, or chain the readings of one meter, would be in each other's way.
  for (const [name, account] of Object.entries({ meter: meterKey, sender })) {
    if (account) await ProcessLock.acquire(`keys.${name} (${account.address})`, keyIdentity(deployment, account));
  }

  let meter: EnergyMeter | undefined;
  let battery: BatteryGauge | undefined;
  let journal: Journal | undefined;
  let live: LiveServer | undefined;
  let health: HealthServer | undefined;
  const gateways: Gateway[] = [];
  const systemd = supervisor();
  const ownMetrics = config.metrics && processMetrics();
  const readingCounts = { accepted: 0, rejected: 0 };
  try {
    await relays.openAll("start");
    const world = worldOf(deployment);
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => undefined);
    // Without a memory nothing that flows could be proven: relays open, and a person has to look.
    journal = new Journal(config.journal, world, (error) => {
      void relays.openAll("the journal cannot be written");
      broken.reject(error);
    });
    if (journal.otherWorlds().length > 0 && !journal.cursor()) log.warn("journal.new-world", { world });

    const client = createChainClient(config.chain.rpcUrls);
    const { pollMs, maxFeeGwei } = config.chain;
    const { chainId } = deployment;
    const outbox =
      sender &&
      new Outbox({ client, account: sender, chainId, store: journal, clock, log, pollMs, maxFeeGwei }, stop.signal);
    const zone = new Zone(client, deployment, outbox);
    systemd.status("relays open, asking the chain");
    const identity = {
      meterId: config.meter.id,
      meterKey: meterKey.address,
      sender: sender?.address,
      gateway: config.gateways.length > 0,
    };
    const kept = KeptTerms.beside(config.journal, world, config.meter.id);
    const asking = untilReachable(clock, log, stop.signal, async (): Promise<Terms> => {
      const warnings = await checkChain(client, zone, deployment, identity, config.chain.rpcUrls);
      for (const warning of warnings) log.warn("chain.warning", { warning });
      const terms = { ...(await zone.constants()), meter: await zone.meter(config.meter.id) };
      kept.save(terms);
      return terms;
    });
    asking.catch(() => undefined); // awaited below
    const before = kept.load();
    const terms = await (before
      ? Promise.race([asking, clock.sleep(FIRST_ANSWER_MS, stop.signal).then(() => before)])
      : asking);
    if (terms === before)
      log.warn("chain.not-asked", { advice: "measuring and signing goes on, as the contract said last" });
    const key = new MeterKey(meterKey, terms.domain);
    const { slotDuration, grace, unitsPerKWh } = terms;

    meter = createMeter(config.meter, { unitsPerKWh, stateDir: dirname(config.journal), clock });
    battery = config.battery && createBattery(config.battery);
    const gauge = battery && new Gauge(battery, clock, log);
    const time = new SampleTime(clock);
    checkMeasures(meter, config, terms.meter.resolution, log);
    const sampler = new Sampler({
      meter,
      clock,
      log,
      pollMs: config.meter.pollMs,
      unitsPerKWh,
      ...registersBefore(journal, config.meter.id),
    });
    movedMilliWh = () => {
      const sample = sampler.latest;
      return sample && ((sample.imported + sample.exported) * 1_000_000n) / unitsPerKWh;
    };
    monitor = new Monitor({
      meter,
      pollMs: config.meter.pollMs,
      unitsPerKWh,
      latch: FaultLatch.beside(config.journal),
      clock,
      log,
      allOpenForMs: () => relays.allOpenForMs,
      open: (reason) => {
        void relays.openAll(reason);
        deliveries?.kick();
      },
    });
    const pulse = new Pulse(clock, ["meter", "deliveries"], Math.max(CYCLE_MS, CYCLE_POLLS * config.meter.pollMs), () =>
      systemd.alive(statusLine()),
    );
    const statusLine = () => {
      const power = sampler.latest ? `${Math.round(sampler.latest.powerW)} W` : "no sample yet";
      const closed = Object.entries(relays.positions).flatMap(([name, position]) =>
        position === "closed" ? name : [],
      );
      return `meter ${config.meter.id}: ${power}, ${closed.length > 0 ? `closed: ${closed.join(", ")}` : "relays open"}`;
    };
    // Before everybody else: a sample that must open relays does so before anything is computed from it.
    sampler.onSample((sample) => monitor!.onSample(sample));
    sampler.onFault(({ kind, reason }) => kind === "implausible" && monitor!.distrust(reason));
    sampler.onSample(() => pulse.beat("meter"));
    sampler.onFault(() => {
      // A meter that cannot be read is a cycle as well.
      pulse.beat("meter");
      deliveries?.kick();
    });
    if (config.clock.synchronised === "required" && clockSynchronised() === undefined)
      log.warn("clock.unknown", { reason: "the kernel does not say whether its clock is synchronised" });
    const readings = new Readings({
      meterId: config.meter.id,
      sampler,
      time,
      store: journal,
      sign: (reading) => key.reading(reading),
      slotDuration,
      signing: terms.meter,
      replacedAt: journal.registerOffsets(config.meter.id, "replaced")?.since,
      isSynchronised: () => config.clock.synchronised === "ignored" || (clockSynchronised() ?? true),
      onDoubt: () => void relays.openAll(UNDATED),
      log,
    });
    believesClock = () => readings.believesClock;
    gateways.push(...config.gateways.map(gatewayOf));
    const courier = new Courier({
      gateways,
      post: outbox && ((signed) => zone.report(signed)),
      slotDuration,
      clock,
      log,
    });
    const reporter = new Reporter({
      meterId: config.meter.id,
      chain: { meter: (id) => zone.meter(id), report: (signed) => courier.report(signed) },
      store: journal,
      sign: (reading) => key.reading(reading),
      slotDuration,
      grace,
      clock,
      log,
      onMeter: (state) => (readings.signing = state),
    });
    readings.onReading(() => void reporter.wake());
    deliveries = new Deliveries({
      meterId: config.meter.id,
      routes: config.routes,
      store: journal,
      market: zone,
      settles: outbox !== undefined,
      isFinal: ({ energy, price, block }) => {
        const depth = (blocks.head?.number ?? block) - block;
        return depth >= confirmationsFor(config.chain.finality, (energy * price) / unitsPerKWh);
      },
      relays,
      sampler,
      readings,
      time,
      fault: () => monitor!.fault,
      slotDuration,
      grace,
      authorityLeaseMs: config.safety.authorityLeaseS * 1_000,
      noFlowTimeoutMs: config.delivery.noFlowTimeoutS * 1_000,
      silentTimeoutMs: config.delivery.silentTimeoutS * 1_000,
      maxUnwitnessed: maxUnwitnessed(config, unitsPerKWh),
      onCycle: () => pulse.beat("deliveries"),
      clock,
      log,
    });

    fills = new Fills({
      routes: config.routes,
      orders: journal,
      auction: zone,
      relays,
      sampler,
      time,
      slotDuration,
      authorityLeaseMs: config.safety.authorityLeaseS * 1_000,
      delivering: () => deliveries!.status() !== undefined,
      clock,
      log,
    });

    const { contracts } = deployment;
    let headAt = -Infinity;
    const blocks = new BlockLoop({
      client,
      store: journal,
      clock,
      log,
      addresses: [contracts.MeterRegistry, contracts.DirectMarket, contracts.CallAuction],
      deploymentBlock: { number: BigInt(deployment.deploymentBlock), hash: deployment.deploymentBlockHash },
      confirmations: config.chain.confirmations,
      pollMs: config.chain.pollMs,
      apply: (events) => {
        record(journal!, config.meter.id, events, log);
        count(readingCounts, config.meter.id, events);
      },
      onHead: (head) => {
        headAt = clock.monotonicMs();
        log.debug("chain.head", { number: head.number });
        void deliveries!.onHead(head);
        void fills!.onHead(head);
        void reporter.wake(head.timestamp);
      },
    });

    const troubles = (): string[] => {
      const now = clock.monotonicMs();
      const found: string[] = [];
      if (now - headAt > HEAD_STALE_MS) found.push("no new block for a minute");
      const sampleAt = sampler.latest?.at ?? -Infinity;
      if (now - sampleAt > SAMPLE_STALE_POLLS * config.meter.pollMs) found.push("the meter gives no samples");
      if (pulse.trouble) found.push(pulse.trouble);
      if (outbox?.trouble) found.push(outbox.trouble);
      if (switchedOff) found.push("the relays were switched off by hand; restart the oracle to trade again");
      const fault = monitor?.fault;
      if (fault) found.push(`${fault.kind}: ${fault.reason}`);
      if (sampler.latest && !readings.believesClock) found.push(UNDATED);
      return found;
    };
    const source: LiveSource = {
      meterId: config.meter.id,
      telemetry: () => {
        const sample = sampler.latest;
        if (!sample || clock.monotonicMs() - sample.at > SAMPLE_STALE_POLLS * config.meter.pollMs) return undefined;
        const takenAt = Math.floor(time.unixMsAt(sample.at) / 1_000);
        return {
          meterId: config.meter.id,
          epoch: readings.epochAt(takenAt),
          takenAt,
          powerW: Math.round(sample.powerW),
          imported: sample.imported,
          exported: sample.exported,
        };
      },
      sign: (telemetry) => key.telemetry(telemetry),
      relays: () => relays.positions,
      deliveryId: () => deliveries!.status()?.deliveryId,
      battery: () => gauge?.latest,
      troubles,
      status: () => ({
        meter: {
          id: config.meter.id,
          name: meter!.name,
          scope: config.meter.scope,
          powerW: sampler.latest?.powerW,
          imported: sampler.latest?.imported,
          exported: sampler.latest?.exported,
        },
        relays: relays.positions,
        battery: gauge?.latest ?? null,
        delivery: deliveries!.status() ?? null,
        lastReading: withoutSignature(readings.last),
        pendingReadings: journal!.pendingReadings(config.meter.id).length,
        head: blocks.head ?? null,
        fault: monitor?.fault ?? null,
        troubles: troubles(),
        unitsPerKWh,
      }),
    };
    if (config.live) live = new LiveServer({ ...config.live, clock, log, source });
    const livePort = await live?.start();
    if (config.metrics) {
      health = new HealthServer(config.metrics, {
        troubles,
        metrics: () => {
          const sample = sampler.latest;
          return [
            ...ownMetrics!.read(),
            ...oracleMetrics({
              meterId: config.meter.id,
              unitsPerKWh,
              head: blocks.head,
              now: Math.floor(clock.unixMs() / 1_000),
              sample,
              sampleAgeMs: sample && clock.monotonicMs() - sample.at,
              cycleAgeMs: pulse.ageMs,
              relays: relays.positions,
              delivery: deliveries!.status(),
              leases: { delivery: deliveries!.authorized, fill: fills!.authorized },
              fault: monitor?.fault?.kind,
              readings: { pending: journal!.pendingReadings(config.meter.id).length, ...readingCounts },
              openTransactions: sender ? journal!.openOutbox(sender.address).length : 0,
              isTooDear: outbox?.trouble !== undefined,
            }),
          ];
        },
      });
    }
    const metricsPort = await health?.start();

    // What flowed while nobody watched is read and booked before anything new begins.
    void readings.checkpoint();
    const asked = asking.then((answer) => {
      readings.signing = answer.meter;
      void outbox?.recover().catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn("transaction.recovery-failed", { reason: reasonOf(error) });
      });
      return blocks.run(stop.signal);
    });
    const tasks = [
      sampler.run(stop.signal),
      monitor.run(stop.signal),
      asked,
      deliveries.run(stop.signal),
      ...(gauge ? [gauge.run(stop.signal)] : []),
      pushTelemetry(
        {
          gateway: () => courier.gateway,
          event: () => liveEvent(source),
          delivering: () => deliveries!.status() !== undefined,
          clock,
          log,
        },
        stop.signal,
      ),
    ];
    log.info("ready", {
      meterId: config.meter.id,
      meterKey: meterKey.address,
      sender: sender?.address,
      relays: [...Object.keys(config.relays)],
      livePort,
      metricsPort,
    });
    systemd.ready(statusLine(), config.meter.pollMs);
    await Promise.race([...tasks, broken.promise, aborted(stop.signal)]);
  } finally {
    systemd.stopping();
    stop.abort();
    await within(LAST_WORDS_MS, relays.openAll("stopping"));
    await within(
      LAST_WORDS_MS,
      Promise.allSettled([
        live?.stop(),
        health?.stop(),
        control.stop(),
        meter?.dispose(),
        battery?.dispose(),
        relays.dispose(),
      ]),
    );
    for (const gateway of gateways) gateway.stop();
    ownMetrics?.stop();
    journal?.close();
    log.info("stopped");
  }
}

/** What became of this meter's readings. A reorg can count one twice; the journal does not. */
function count(counts: { accepted: number; rejected: number }, meterId: number, events: ChainEvent[]): void {
  for (const event of events) {
    if (event.type === "ReadingAccepted" && event.meterId === meterId) counts.accepted++;
    if (event.type === "ReadingRejected" && event.meterId === meterId) counts.rejected++;
  }
}

/** Effects of the chain's events that concern this meter. */
function record(journal: Journal, meterId: number, events: ChainEvent[], log: Logger): void {
  for (const event of events) {
    switch (event.type) {
      case "OrderPlaced":
        if (event.order.meterId === meterId) journal.placeOrder(event.orderId, event.order.slot, event.block);
        break;
      case "DeliveryRequested": {
        if (event.sellerMeterId !== meterId && event.buyerMeterId !== meterId) break;
        const { type: _, block, deliveryId: id, ...purchase } = event;
        journal.requestDelivery({ id, ...purchase }, block);
        log.info("delivery.requested", { deliveryId: id, block });
        break;
      }
      case "DeliveryProgress":
        journal.progressDelivery(event.deliveryId, event.delivered);
        break;
      case "DeliveryEnding":
        journal.endDelivery(event.deliveryId, event.deadline, event.block);
        break;
      case "DeliveryClosed":
        journal.closeDelivery(event.deliveryId, event.delivered, event.outcome, event.block);
        break;
      case "ReadingAccepted":
        if (event.meterId === meterId) journal.acceptReading(meterId, event.takenAt, event.block);
        break;
      case "ReadingRejected":
        if (event.meterId === meterId) log.warn("reading.rejected", { takenAt: event.takenAt, reason: event.reason });
        break;
      case "Rebased":
        if (event.meterId === meterId) {
          // Expected of a reading that restarts the chain; of any other it means that the contract did not believe it.
          const own = journal.readingUntil(meterId, event.takenAt);
          const restarted = own?.takenAt === event.takenAt && own.since === 0;
          log[restarted ? "info" : "warn"]("reading.rebased", { takenAt: event.takenAt });
        }
        break;
    }
  }
}

/** What the meter cannot measure it must not be asked to prove. @throws ConfigError */
function checkMeasures(meter: EnergyMeter, { routes }: OracleConfig, registered: bigint, log: Logger): void {
  const source = routes.findIndex(({ role }) => role === "source");
  if (meter.importOnly && source >= 0) {
    throw new ConfigError(
      `routes.${source}.role: ${meter.name} counts in one direction only and can prove no export; use a meter with two registers, or remove the route`,
    );
  }
  if (meter.resolution > registered) {
    log.warn("meter.coarser-than-registered", { meter: meter.name, resolution: meter.resolution, registered });
  }
}

/** How the registers stood when the last process ended: the meter's must continue them. */
function registersBefore(
  journal: Journal,
  meterId: number,
): Pick<SamplerOptions, "believed" | "offsets" | "onOffsets"> {
  const last = journal.lastReading(meterId);
  return {
    offsets: journal.registerOffsets(meterId),
    // Asked again as long as nothing is believed: a clock that is set meanwhile changes how long ago that was.
    believed: () => {
      if (!last) return undefined;
      const at = last.takenAt * 1_000 - clock.unixMs() + clock.monotonicMs();
      return { ...last, at: at < clock.monotonicMs() ? at : undefined };
    },
    onOffsets: (offsets) => {
      const since = Math.floor(clock.unixMs() / 1_000);
      journal.addRegisterOffsets(meterId, { ...offsets, reason: "wrapped", since });
    },
  };
}

function maxUnwitnessed({ delivery }: OracleConfig, unitsPerKWh: bigint): bigint | undefined {
  const { maxUnwitnessedWh } = delivery;
  return maxUnwitnessedWh === undefined ? undefined : (BigInt(Math.floor(maxUnwitnessedWh)) * unitsPerKWh) / 1_000n;
}

function onLimits({ safety, meter }: OracleConfig): OnLimits {
  const { maxOnMinutes, maxEnergyWh = (meter.maxPowerW * maxOnMinutes) / 60 } = safety;
  return { maxOnMs: maxOnMinutes * 60_000, maxMilliWh: BigInt(Math.floor(maxEnergyWh * 1_000)) };
}

function withoutSignature(reading: Readings["last"]): unknown {
  if (!reading) return null;
  const { signature: _, ...fields } = reading;
  return fields;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => undefined), clock.sleep(ms)]);
}
