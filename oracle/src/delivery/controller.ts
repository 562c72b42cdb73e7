import type { Clock } from "../clock.ts";
import type { MeterSample } from "../hardware/types.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { Readings, SampleTime, Sampler } from "../metering/index.ts";
import { Authority, CloseRefused, type Fault, type RelaySet } from "../safety/index.ts";
import { type EndReason, type Inputs, type Limits, type State, decide, smallestTrade, start } from "./decide.ts";
import { type Role, type Route, type Transfer, defaultMaxUnwitnessed, estimatedTimeS, transfer } from "./routes.ts";
import { type DeliveryView, Settlement, type Settler } from "./settlement.ts";

/** A purchase as the journal keeps it. */
export interface Purchase {
  id: bigint;
  sellerMeterId: number;
  buyerMeterId: number;
  energy: bigint;
  /** Base units per kWh. */
  price: bigint;
  purchasedAt: number;
  deadline: number;
  /** Block of the purchase. */
  block: bigint;
}

export interface Progress {
  importedBefore: bigint;
  exportedBefore: bigint;
  checkpoints: number;
  endedBecause: string | undefined;
}

export interface DeliveryStore {
  /** The delivery our meter takes part in, confirmed and not closed. */
  openDelivery(meterId: number): Purchase | undefined;
  delivery(id: bigint): { outcome: string | undefined; delivered: bigint } | undefined;
  progress(id: bigint): Progress | undefined;
  saveProgress(id: bigint, progress: Progress): void;
  /** Our newest reading taken at that instant (Unix seconds) or before. */
  readingUntil(meterId: number, takenAt: number): { takenAt: number; imported: bigint; exported: bigint } | undefined;
}

export interface Market extends Settler {
  /** @param blockNumber of the head to read at; the newest one if left out. */
  delivery(purchase: Purchase, blockNumber?: bigint): Promise<DeliveryView>;
}

interface Head {
  readonly number: bigint;
  readonly timestamp: number;
}

export interface DeliveriesOptions {
  meterId: number;
  routes: readonly Route[];
  store: DeliveryStore;
  market: Market;
  /** Whether a purchase is deep enough in the chain for what it is worth. */
  isFinal: (purchase: Purchase) => boolean;
  /** False when nobody here pays for gas: a keeper settles and closes then. */
  settles: boolean;
  relays: RelaySet;
  sampler: Sampler;
  readings: Readings;
  time: SampleTime;
  fault: () => Fault | undefined;
  slotDuration: number;
  grace: number;
  authorityLeaseMs: number;
  noFlowTimeoutMs: number;
  silentTimeoutMs: number;
  maxUnwitnessed: bigint | undefined;
  /** Called after every control cycle, one that failed included. */
  onCycle?: () => void;
  clock: Clock;
  log: Logger;
}

/** The delivery in hand. */
interface Current {
  readonly purchase: Purchase;
  readonly role: Role;
  readonly plan: Transfer | undefined;
  readonly settlement: Settlement;
  readonly limits: Limits;
  state: State;
  progress: Progress | undefined;
  view: DeliveryView | undefined;
  /** Monotonic ms before which the contract is not asked again, after it could not be. */
  readAgainAt: number;
  /** Our side's end, monotonic ms. */
  ended: { because: EndReason; at: number } | undefined;
}

/** What people see of the running delivery. */
export interface DeliveryStatus {
  deliveryId: bigint;
  role: Role;
  peerMeterId: number;
  phase: string;
  energy: bigint;
  /** Energy moved by our own meter since the start. */
  moved: bigint;
  /** Energy both witnesses agree on, by the chain. */
  delivered: bigint;
  deadline: number;
  /** Seconds left at the power now, or at the route's power. */
  estimatedS: number | undefined;
  endedBecause: string | undefined;
}

/** Older than so many polls, a sample does not say where a delivery begins. */
const FRESH_POLLS = 2;
/** Pause after the contract could not be read. */
const READ_AGAIN_MS = 3_000;

/** Carries deliveries out, one after the other: collects what `decide` needs and does what it says. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #authority: Authority;
  #current: Current | undefined;
  #kicked = Promise.withResolvers<void>();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    const { clock, authorityLeaseMs, relays, log } = options;
    this.#authority = new Authority(clock, authorityLeaseMs, () => {
      log.error("delivery.authority-expired", { deliveryId: this.#current?.purchase.id });
      void relays.openAll("the contract could not be read for too long");
      this.kick();
    });
    options.sampler.onSample(() => this.kick());
  }

  /** False keeps every relay open: nobody has asked the contract recently. */
  get authorized(): boolean {
    return this.#authority.valid;
  }

  /** Looks at the state of things as soon as possible. */
  kick(): void {
    this.#kicked.resolve();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    signal.addEventListener("abort", () => this.kick(), { once: true });
    while (!signal.aborted) {
      await this.#kicked.promise;
      this.#kicked = Promise.withResolvers();
      if (signal.aborted) return;
      try {
        await this.#cycle(signal);
      } catch (error) {
        log.error("delivery.cycle-failed", { reason: reasonOf(error) });
        await this.#openPath("the control cycle failed");
      }
      this.#options.onCycle?.();
    }
  }

  /** A new head of the chain: reads the contract again, which renews the authority, and settles what is due. */
  async onHead(head: Head): Promise<void> {
    const { market, time, log } = this.#options;
    this.#authority.noteHead(head);
    this.kick();
    const current = this.#current;
    if (!current) return;
    try {
      const view = await market.delivery(current.purchase, head.number);
      if (this.#current !== current) return;
      current.view = view;
      if (!view.closed) this.#authority.renew();
    } catch (error) {
      log.warn("delivery.not-read", { deliveryId: current.purchase.id, reason: reasonOf(error) });
      return;
    }
    this.kick();
    if (!this.#options.settles) return;
    // By our clock: a chain that lags behind would cut off, in its own slot, what has flowed since.
    const ended = current.ended && { ...current.ended, at: Math.ceil(time.unixMsAt(current.ended.at) / 1_000) };
    await current.settlement.step(current.view, this.#movedOnChain(current), ended, head);
  }

  status(): DeliveryStatus | undefined {
    const { sampler } = this.#options;
    const { latest: sample, unitsPerKWh } = sampler;
    const current = this.#current;
    if (!current) return undefined;
    const { purchase, role, plan, view, state } = current;
    const moved = sample ? movedBy(sample, current) : 0n;
    const left = purchase.energy > moved ? purchase.energy - moved : 0n;
    const powerW = sample ? along(role, sample.powerW) : 0;
    const paceW = state.phase === "flowing" && powerW > 0 ? powerW : plan?.route.powerW;
    return {
      deliveryId: purchase.id,
      role,
      peerMeterId: peerOf(purchase, role),
      phase: state.phase,
      energy: purchase.energy,
      moved,
      delivered: view?.delivered ?? 0n,
      deadline: view?.deadline ?? purchase.deadline,
      estimatedS: state.phase === "ended" || !paceW ? undefined : estimatedTimeS(left, paceW, unitsPerKWh),
      endedBecause: current.ended?.because,
    };
  }

  // ------------------------------------------------------------ one control cycle

  async #cycle(signal: AbortSignal): Promise<void> {
    const { store, meterId, sampler } = this.#options;
    const purchase = store.openDelivery(meterId);
    if (this.#current && this.#current.purchase.id !== purchase?.id) await this.#finish();
    if (!purchase || !(this.#current || this.#options.isFinal(purchase))) return;
    const current = (this.#current ??= this.#begin(purchase));
    const sample = sampler.latest;
    if (!sample || !this.#note(current, sample)) return;
    const decision = decide(current.state, this.#inputs(current, sample));
    const entered = decision.state.phase !== current.state.phase;
    current.state = decision.state;
    // A relay that did not open is told again, in every cycle.
    if (decision.relays === "open" && (entered || this.#anyClosed(current))) {
      await this.#openPath(decision.end ?? "not safe to go on");
    }
    if (decision.end) this.#end(current, decision.end);
    if (decision.checkpoint) this.#checkpoint(current);
    if (decision.relays === "closed") await this.#closePath(current, signal);
    if (decision.wakeInMs !== undefined) this.#kickIn(decision.wakeInMs, signal);
  }

  #begin(purchase: Purchase): Current {
    const { meterId, store, market, routes, clock, log, sampler, slotDuration, grace } = this.#options;
    const { unitsPerKWh } = sampler;
    const role: Role = purchase.sellerMeterId === meterId ? "source" : "sink";
    const plan = transfer(routes, role, peerOf(purchase, role), purchase.energy, unitsPerKWh);
    const progress = store.progress(purchase.id);
    const now = clock.monotonicMs();
    const because = progress?.endedBecause as EndReason | undefined;
    log.info(progress ? "delivery.resumed" : "delivery.started", {
      deliveryId: purchase.id,
      role,
      peerMeterId: peerOf(purchase, role),
      energy: purchase.energy,
      relays: plan?.route.relays,
      estimatedS: plan?.estimatedS,
      deadline: purchase.deadline,
      endedBecause: because,
    });
    return {
      purchase,
      role,
      plan,
      settlement: new Settlement({ deliveryId: purchase.id, role, settler: market, slotDuration, grace, clock, log }),
      limits: this.#limits(plan),
      state: because ? { ...start(now), phase: "ended" } : start(now),
      progress,
      view: undefined,
      readAgainAt: -Infinity,
      ended: because && { because, at: now },
    };
  }

  #limits(plan: Transfer | undefined): Limits {
    const { sampler, noFlowTimeoutMs, silentTimeoutMs, maxUnwitnessed } = this.#options;
    const { pollMs, unitsPerKWh } = sampler;
    if (plan && !isSwitched(plan)) {
      // Nothing could be opened: the house exports and imports as it likes, and both registers tell what counts.
      return { pollMs, noFlowMs: Infinity, silentMs: Infinity, maxUnwitnessed: plan.energy * 1_000n };
    }
    return {
      pollMs,
      noFlowMs: noFlowTimeoutMs,
      silentMs: silentTimeoutMs,
      maxUnwitnessed: maxUnwitnessed ?? (plan ? defaultMaxUnwitnessed(plan, unitsPerKWh) : 0n),
    };
  }

  /**
   * Registers at the start, once; a source then proves where it starts from.
   * @returns false while they are not known: what flowed since an old sample is not this delivery's.
   */
  #note(current: Current, sample: MeterSample): boolean {
    if (current.progress) return true;
    const { clock, sampler, fault } = this.#options;
    const isOld = clock.monotonicMs() - sample.at > FRESH_POLLS * sampler.pollMs;
    if (isOld && !fault()?.latched) return false;
    const { imported: importedBefore, exported: exportedBefore } = sample;
    current.progress = { importedBefore, exportedBefore, checkpoints: 0, endedBecause: undefined };
    this.#options.store.saveProgress(current.purchase.id, current.progress);
    if (current.role === "source") this.#checkpoint(current);
    return true;
  }

  #inputs(current: Current, sample: MeterSample): Inputs {
    const { clock, time, relays, sampler, readings, fault } = this.#options;
    const { purchase, role, plan, view, limits } = current;
    const reading = readings.last;
    const moved = movedBy(sample, current);
    return {
      now: clock.monotonicMs(),
      unixS: time.now() / 1_000,
      role,
      energy: purchase.energy,
      moved,
      sampleAt: sample.at,
      powerW: along(role, sample.powerW),
      resolution: sampler.meter.resolution,
      coarser: this.#coarser(view),
      unitsPerKWh: sampler.unitsPerKWh,
      routePowerW: plan?.route.powerW,
      // A way without relays is there as soon as the contract has been read.
      closed: plan && !isSwitched(plan) ? this.#authority.valid : relays.areClosed(plan?.route.relays ?? []),
      purchasedAt: purchase.purchasedAt,
      deadline: Math.min(purchase.deadline, view?.deadline ?? Infinity),
      over: view !== undefined && (view.closed || view.delivered >= view.energy),
      fault: fault(),
      authority: this.#authority.valid,
      witnessAt: view?.buyerTakenAt ?? 0,
      unwitnessed: this.#unwitnessed(current, sample, moved),
      readingAt: reading?.takenAt ?? 0,
      readingMoved: reading ? movedBy(reading, current) : 0n,
      checkpoints: current.progress?.checkpoints ?? 0,
      limits,
    };
  }

  /** The coarser resolution of our meter as it counts now and of both as they are registered. */
  #coarser(view: DeliveryView | undefined): bigint {
    const { resolution } = this.#options.sampler.meter;
    return view && view.resolution > resolution ? view.resolution : resolution;
  }

  /** Exported since the buyer's newest reading on chain. */
  #unwitnessed(current: Current, sample: MeterSample, moved: bigint): bigint {
    const { meterId, store, sampler, time } = this.#options;
    const at = current.view?.buyerTakenAt ?? 0;
    // After a restart there are no samples of that time: our reading before it counts a little too much, never too little.
    const then = sampler.registersAt(at * 1_000 - time.unixMsAt(0)) ?? store.readingUntil(meterId, at);
    if (!then) return moved;
    const since = sample.exported - then.exported;
    return since < moved ? since : moved;
  }

  /** Moved by our newest reading on chain. */
  #movedOnChain(current: Current): bigint {
    const { meterId, store, sampler } = this.#options;
    const { view, role } = current;
    const takenAt = role === "source" ? view?.sellerTakenAt : view?.buyerTakenAt;
    const registers = store.readingUntil(meterId, takenAt ?? 0) ?? sampler.latest;
    return registers ? movedBy(registers, current) : 0n;
  }

  // ------------------------------------------------------------ what a decision asks for

  async #closePath(current: Current, signal: AbortSignal): Promise<void> {
    const { relays, log } = this.#options;
    const path = current.plan?.route.relays ?? [];
    const closing = path.length === 0 ? !this.#authority.valid : !relays.areClosed(path);
    if (closing && !(await this.#mayClose(current))) return;
    try {
      if (path.length > 0) await relays.keepClosed(path);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CloseRefused) {
        log.debug("relays.close-refused", { reason: error.message });
        if (error.retryInMs !== undefined) this.#kickIn(error.retryInMs, signal);
      } else {
        log.error("relays.close-failed", { reason: reasonOf(error) });
      }
      return;
    }
    // The state machine notices the closed contact without waiting for the next sample.
    if (closing) this.kick();
  }

  /** Reads the contract once more before a contact closes. */
  async #mayClose(current: Current): Promise<boolean> {
    const { market, time, clock, log } = this.#options;
    if (clock.monotonicMs() < current.readAgainAt) return false;
    let view: DeliveryView;
    try {
      view = await market.delivery(current.purchase);
    } catch (error) {
      current.readAgainAt = clock.monotonicMs() + READ_AGAIN_MS;
      log.warn("delivery.not-read", { deliveryId: current.purchase.id, reason: reasonOf(error) });
      return false;
    }
    current.view = view;
    const measurable = view.energy >= smallestTrade(this.#coarser(view));
    const wanted = measurable && !view.closed && view.delivered < view.energy && view.deadline * 1_000 > time.now();
    if (wanted) this.#authority.renew();
    else this.kick();
    return wanted;
  }

  #anyClosed(current: Current): boolean {
    const { positions } = this.#options.relays;
    return current.plan?.route.relays.some((name) => positions[name] === "closed") ?? false;
  }

  async #openPath(reason: string): Promise<void> {
    const path = this.#current?.plan?.route.relays;
    if (path) await this.#options.relays.open(path, reason);
  }

  #end(current: Current, because: EndReason): void {
    const { store, log, clock } = this.#options;
    const { purchase, progress, view } = current;
    const sample = this.#options.sampler.latest;
    current.ended = { because, at: clock.monotonicMs() };
    if (progress) {
      progress.endedBecause = because;
      store.saveProgress(purchase.id, progress);
    }
    const normal = because === "target" || because === "deadline" || because === "closed-on-chain";
    log[normal ? "info" : "warn"]("delivery.ended", {
      deliveryId: purchase.id,
      because,
      energy: purchase.energy,
      moved: sample && movedBy(sample, current),
      delivered: view?.delivered,
      ...(because === "too-small" ? { smallestTrade: smallestTrade(this.#coarser(view)) } : {}),
    });
    this.#authority.end();
  }

  #checkpoint(current: Current): void {
    const { readings, store } = this.#options;
    const { progress, purchase } = current;
    void readings.checkpoint();
    if (!progress) return;
    progress.checkpoints++;
    store.saveProgress(purchase.id, progress);
  }

  async #finish(): Promise<void> {
    const { store, log } = this.#options;
    const current = this.#current!;
    await this.#openPath("the delivery is closed");
    this.#authority.end();
    this.#current = undefined;
    const { id, energy } = current.purchase;
    const closed = store.delivery(id);
    log.info("delivery.closed", {
      deliveryId: id,
      energy,
      delivered: closed?.delivered,
      outcome: closed?.outcome ?? "undone by a reorg",
    });
  }

  #kickIn(ms: number, signal: AbortSignal): void {
    this.#options.clock.sleep(ms, signal).then(
      () => this.kick(),
      () => undefined,
    );
  }
}

/** False in metered mode: the way between two houses' connections is never switched. */
function isSwitched({ route }: Transfer): boolean {
  return route.relays.length > 0;
}

function peerOf(purchase: Purchase, role: Role): number {
  return role === "source" ? purchase.buyerMeterId : purchase.sellerMeterId;
}

/** Power in the direction of the delivery; the meter's is positive when it exports. */
function along(role: Role, powerW: number): number {
  return role === "source" ? powerW : -powerW;
}

/** Energy moved in the direction of the delivery since its start. */
function movedBy(registers: { imported: bigint; exported: bigint }, { role, progress }: Current): bigint {
  if (!progress) return 0n;
  const moved =
    role === "source" ? registers.exported - progress.exportedBefore : registers.imported - progress.importedBefore;
  return moved > 0n ? moved : 0n;
}
