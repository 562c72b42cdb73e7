import { directMarketAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import {
  type DeliveryRecord,
  type Live,
  useBlockTimes,
  useFormat,
  useLive,
  useNow,
  useRegisters,
  useRegistersAt,
  useZone,
} from "../../data/index.ts";
import { DeliveryStory } from "../../story/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Button, Card, Dialog, Progress, Stat, type Tone } from "../../ui/index.ts";
import { call, useMeterName, useSend, useSession } from "../../wallet/index.ts";
import type { Role } from "./Deliveries.tsx";
import { agreed, type Phase, phaseOf, timeLeft, type Witness, witness } from "./measure.ts";

const TONES: Record<Phase, Tone> = { waiting: "sun", flowing: "accent", settling: "grid", ending: "sun" };

/** One delivery as it happens: promise, both witnesses, money, and what is left of it. */
export function RunningCard({ delivery, role }: { delivery: DeliveryRecord; role: Role }) {
  const zone = useZone();
  const format = useFormat();
  const now = useNow();
  const meterName = useMeterName();
  const [telling, setTelling] = useState(false);
  const words = text.deliveries;
  const [boughtAt = now] = useBlockTimes([delivery.boughtInBlock]);
  const source = useWitness("exported", delivery.sellerMeterId, delivery.boughtInBlock, boughtAt);
  const sink = useWitness("imported", delivery.buyerMeterId, delivery.boughtInBlock, boughtAt);

  const { energy, delivered } = delivery;
  const both =
    source.witness && sink.witness
      ? agreed(energy, source.witness.energy, sink.witness.energy, zone.lineLossAllowance)
      : delivered;
  const measured = both > delivered ? both : delivered;
  const pace = [source.witness, sink.witness].find((each) => each?.source === "live") ?? source.witness;
  const powerW = pace?.powerW;
  const phase = phaseOf({
    now,
    deadline: delivery.deadline,
    endedEarly: delivery.endedEarly,
    energy,
    measured,
    powerW,
  });
  const left = timeLeft(energy, measured, powerW, zone.unitsPerKWh);
  const share = (part: bigint) => Number((part * 10_000n) / (energy || 1n)) / 10_000;

  return (
    <Card testId="delivery-card" label={words.heading(String(delivery.id))}>
      <header className="mb-4 flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div>
          <h2 className="text-lg font-semibold">
            {words.route(meterName(delivery.sellerMeterId), meterName(delivery.buyerMeterId))}
          </h2>
          <p className="text-sm text-muted">
            {[role && (role === "buyer" ? words.youBuy : words.youSell), words.heading(String(delivery.id))]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
        <Badge tone={TONES[phase]} icon={phase === "flowing" ? "bolt" : undefined} testId="delivery-state">
          {words.state[phase]}
        </Badge>
      </header>

      <div className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4">
        <p>
          <b className="text-3xl font-semibold tracking-tight" data-testid="delivery-measured">
            {format.energyFixed(measured)}
          </b>{" "}
          <span className="text-muted">{words.of(format.energy(energy))}</span>
        </p>
        <p className="text-sm text-muted">
          {words.settled} <b className="font-semibold text-ink">{format.energyFixed(delivered)}</b>
        </p>
      </div>
      <Progress
        label={words.progress}
        text={words.progressText(format.energy(delivered), format.energy(energy))}
        value={share(delivered)}
        ahead={share(measured)}
      />
      <dl className="mt-5 grid grid-cols-2 gap-x-4 gap-y-4 md:grid-cols-4">
        <Stat
          label={words.power}
          testId="delivery-power"
          note={powerW === undefined ? words.powerNone : pace?.source === "live" ? words.powerLive : words.powerAverage}
        >
          {powerW === undefined ? "–" : format.power(powerW)}
        </Stat>
        <Stat
          label={words.timeLeft}
          testId="delivery-time-left"
          note={words.timeLeftNote(format.timeWithSeconds(delivery.deadline))}
        >
          {left === undefined || phase === "settling"
            ? words.timeLeftUnknown
            : format.duration(Math.min(left, delivery.deadline - now))}
        </Stat>
        <Stat label={words.paid} testId="delivery-paid" note={words.ofLocked(format.moneyUp(delivery.locked))}>
          {format.moneyDown(delivery.paid)}
        </Stat>
        <Stat label={words.perKWh} note={words.withFee(format.priceNumber(delivery.gridFee))}>
          {format.price(delivery.price)}
        </Stat>
      </dl>

      <h3 className="mt-6 mb-2 text-sm font-medium text-muted">{words.witnesses}</h3>
      <div className="grid gap-2 sm:grid-cols-2">
        <WitnessRow name={meterName(delivery.sellerMeterId)} verb={words.gave} {...source} />
        <WitnessRow name={meterName(delivery.buyerMeterId)} verb={words.took} {...sink} />
      </div>
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button
          variant="quiet"
          aria-label={words.story.openName(words.heading(String(delivery.id)))}
          onClick={() => setTelling(true)}
          data-testid="story-open"
        >
          {words.story.open}
        </Button>
        <Actions delivery={delivery} role={role} phase={phase} now={now} />
      </div>
      {telling && <DeliveryStory delivery={delivery} onClose={() => setTelling(false)} />}
    </Card>
  );
}

interface Seen {
  witness: Witness | undefined;
  live: Live;
}

function useWitness(side: "exported" | "imported", meterId: number, boughtInBlock: bigint, boughtAt: number): Seen {
  const zone = useZone();
  const live = useLive(meterId);
  const baseline = useRegistersAt(meterId, boughtInBlock);
  const latest = useRegisters(meterId);
  const fresh = live.state === "live";
  return { live, witness: witness(side, baseline, latest, live.figures, fresh, boughtAt, zone.unitsPerKWh) };
}

function WitnessRow({ name, verb, witness: seen, live }: Seen & { name: string; verb: string }) {
  const format = useFormat();
  const words = text.deliveries;
  const relays = live.figures ? Object.entries(live.figures.relays) : [];
  return (
    <div className="rounded-xl bg-sunken p-3" data-testid="witness">
      <div className="flex items-start justify-between gap-2">
        <p className="text-sm">
          <span className="block text-muted">
            {name} {verb}
          </span>
          <b className="font-semibold">{seen ? format.energyFixed(seen.energy) : "–"}</b>
          {seen?.source === "live" && seen.powerW !== undefined && (
            <span className="text-muted"> · {format.power(seen.powerW)}</span>
          )}
        </p>
        <LiveBadge live={live} />
      </div>
      {/* Keeps its place until the oracle answers: nothing jumps. */}
      {live.state !== "none" && (
        <p className="mt-2 flex min-h-4 flex-wrap gap-x-3 gap-y-1 text-xs text-muted" data-testid="relays">
          {relays.map(([relay, position]) => (
            <span key={relay} className="inline-flex items-center gap-1.5">
              <i
                aria-hidden="true"
                className={`size-2 rounded-full border ${position === "closed" ? "border-accent bg-accent" : "border-line-strong"}`}
              />
              {words.relay(relay, position === "closed" ? words.relayClosed : words.relayOpen)}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

function LiveBadge({ live }: { live: Live }) {
  const format = useFormat();
  const words = text.deliveries.live;
  switch (live.state) {
    case "live":
      return (
        <Badge tone="accent" icon="live" testId="live-badge">
          {words.live}
        </Badge>
      );
    case "stale":
      return (
        <Badge tone="sun" testId="live-badge">
          {words.stale(format.duration(live.ageSeconds))}
        </Badge>
      );
    case "untrusted":
      return (
        <Badge tone="bad" testId="live-badge">
          {words.untrusted}
        </Badge>
      );
    case "connecting":
    case "none":
      return <Badge testId="live-badge">{words[live.state]}</Badge>;
  }
}

/** Either party can end a delivery early; once it is over, anybody can have it settled. */
function Actions(props: { delivery: DeliveryRecord; role: Role; phase: Phase; now: number }) {
  const { delivery, role, phase, now } = props;
  const zone = useZone();
  const session = useSession();
  const send = useSend();
  const [asking, setAsking] = useState(false);
  const words = text.deliveries;
  const over = phase === "settling" && now > delivery.deadline;
  if (session.kind === "none" || !(role || over) || (phase === "settling" && !over)) return null;
  const close = () => {
    setAsking(false);
    void send(
      words.endTransaction(String(delivery.id)),
      call(zone.contracts.DirectMarket, directMarketAbi, "close", [delivery.id]),
    );
  };
  return (
    <>
      <Button
        variant="secondary"
        off={phase === "ending"}
        onClick={over ? close : () => setAsking(true)}
        data-testid="delivery-close"
      >
        {over ? words.finish : phase === "ending" ? words.ending : words.end}
      </Button>
      {asking && (
        <Dialog title={words.end} closeLabel={text.close} onClose={() => setAsking(false)} testId="end-dialog">
          <p className="mb-5">{words.confirmEnd}</p>
          <div className="grid gap-2 sm:grid-cols-2">
            <Button variant="secondary" onClick={() => setAsking(false)}>
              {words.keep}
            </Button>
            <Button variant="danger" onClick={close} data-testid="delivery-close-confirm">
              {words.confirmEndYes}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
