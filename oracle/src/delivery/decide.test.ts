import { expect } from "chai";
import { type Decision, type Inputs, type Phase, type State, decide, start } from "./decide.ts";

const NOW = 1_000_000;

const inputs = (change: Partial<Inputs> = {}): Inputs => ({
  now: NOW,
  unixS: 5_000,
  role: "source",
  energy: 1_000n,
  moved: 0n,
  sampleAt: NOW,
  powerW: 0,
  resolution: 1n,
  coarser: 1n,
  unitsPerKWh: 1_000n,
  routePowerW: 6_000,
  closed: false,
  purchasedAt: 4_999,
  deadline: 5_600,
  over: false,
  fault: undefined,
  authority: true,
  witnessAt: 4_000,
  unwitnessed: 0n,
  readingAt: 4_990,
  readingMoved: 0n,
  checkpoints: 1,
  limits: { pollMs: 500, noFlowMs: 60_000, silentMs: 15_000, maxUnwitnessed: 300n },
  ...change,
});

const state = (phase: Phase, since = NOW - 1_000, flowAt = since): State => ({ phase, since, flowAt, still: false });

type Expected = {
  phase: Phase;
  relays: Decision["relays"];
  end?: Decision["end"];
  checkpoint?: boolean;
  wakeInMs?: number;
};

const closed = { closed: true } as const;
const flow = { closed: true, powerW: 6_000 } as const;
const sink = { role: "sink" } as const;

function table(title: string, rows: [string, State, Partial<Inputs>, Expected][]): void {
  describe(title, () => {
    for (const [what, before, change, expected] of rows) {
      it(what, () => {
        const { state: after, relays, end, checkpoint, wakeInMs } = decide(before, inputs(change));
        expect({
          phase: after.phase,
          relays,
          end,
          checkpoint,
          wakeInMs: wakeInMs && Math.round(wakeInMs),
        }).to.deep.equal({
          end: undefined,
          checkpoint: false,
          wakeInMs: undefined,
          ...expected,
        });
      });
    }
  });
}

describe("a delivery, step by step", () => {
  table("beginning", [
    ["the sink closes at once", start(NOW), sink, { phase: "preparing", relays: "closed" }],
    [
      "the closed sink posts a checkpoint",
      start(NOW),
      { ...sink, ...closed },
      { phase: "waiting", relays: "closed", checkpoint: true },
    ],
    ["the source waits for a sign of the sink", start(NOW), {}, { phase: "preparing", relays: "open" }],
    [
      "the source closes when the buyer has posted since the purchase",
      start(NOW),
      { witnessAt: 4_999 },
      { phase: "preparing", relays: "closed" },
    ],
    [
      "the source closes 10 s after the purchase in any case",
      start(NOW),
      { unixS: 5_009 },
      { phase: "preparing", relays: "closed" },
    ],
    ["… and not a moment earlier", start(NOW), { unixS: 5_008.9 }, { phase: "preparing", relays: "open" }],
    [
      "the closed source waits for the flow",
      start(NOW),
      { ...closed, witnessAt: 4_999 },
      { phase: "waiting", relays: "closed" },
    ],
    ["flow begins", state("waiting"), flow, { phase: "flowing", relays: "closed" }],
    [
      "a trickle below 1 % of the route is no flow",
      state("waiting"),
      { ...closed, powerW: 59 },
      { phase: "waiting", relays: "closed" },
    ],
    [
      "power in the wrong direction is no flow",
      state("waiting"),
      { ...closed, powerW: -6_000 },
      { phase: "waiting", relays: "closed" },
    ],
    [
      "a fault that may pass keeps it open",
      start(NOW),
      { ...sink, fault: { latched: false } },
      { phase: "preparing", relays: "open" },
    ],
  ]);

  table("declining", [
    [
      "no route to the other meter",
      start(NOW),
      { ...sink, routePowerW: undefined },
      { phase: "ended", relays: "open", end: "no-route" },
    ],
    [
      "less than 20 steps of the coarser meter",
      start(NOW),
      { ...sink, energy: 199n, coarser: 10n },
      { phase: "ended", relays: "open", end: "too-small" },
    ],
    [
      "exactly 20 steps are enough",
      start(NOW),
      { ...sink, energy: 200n, coarser: 10n },
      { phase: "preparing", relays: "closed" },
    ],
    [
      "a latched fault",
      start(NOW),
      { ...sink, fault: { latched: true } },
      { phase: "ended", relays: "open", end: "fault" },
    ],
    [
      "never ready",
      state("preparing", NOW - 60_000),
      { fault: { latched: false } },
      { phase: "ended", relays: "open", end: "not-ready" },
    ],
    [
      "the deadline has passed",
      start(NOW),
      { ...sink, unixS: 5_600 },
      { phase: "ended", relays: "open", end: "deadline" },
    ],
    [
      "closed on chain meanwhile",
      start(NOW),
      { ...sink, over: true },
      { phase: "ended", relays: "open", end: "closed-on-chain" },
    ],
  ]);

  table("not ending for what was not measured", [
    [
      "a fault: the last power is not carried on",
      state("preparing"),
      { moved: 970n, powerW: 6_000, sampleAt: NOW - 21_000, fault: { latched: false } },
      { phase: "preparing", relays: "open" },
    ],
    [
      "no sample for a long time: it is carried on for two polls",
      state("flowing"),
      { ...flow, moved: 900n, sampleAt: NOW - 120_000 },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "what the newest sample shows is enough",
      state("preparing"),
      { moved: 1_002n, powerW: 6_000, fault: { latched: false } },
      { phase: "ended", relays: "open", end: "target" },
    ],
  ]);
  table("ending at the target", [
    // 1 002 - 995 = 7 Wh at 6 kW are 4.2 s
    [
      "far from the target nothing is planned",
      state("flowing"),
      { ...flow, moved: 995n },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "within the last poll it wakes up in time",
      state("flowing"),
      { ...flow, moved: 1_001n, sampleAt: NOW - 200 },
      { phase: "flowing", relays: "closed", wakeInMs: 400 },
    ],
    [
      "it opens when the sample's age has used the time up",
      state("flowing"),
      { ...flow, moved: 1_001n, sampleAt: NOW - 600 },
      { phase: "ended", relays: "open", end: "target", checkpoint: true },
    ],
    [
      "it opens when the register is there",
      state("flowing"),
      { ...closed, moved: 1_002n },
      { phase: "ended", relays: "open", end: "target", checkpoint: true },
    ],
    [
      "what was promised is not yet enough: whole units get lost per slot",
      state("flowing"),
      { ...closed, moved: 1_001n },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "a coarse meter overshoots by a step",
      state("flowing"),
      { ...closed, moved: 1_009n, resolution: 10n },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "the sink has a target too",
      state("flowing"),
      { ...sink, ...closed, moved: 1_002n },
      { phase: "ended", relays: "open", end: "target", checkpoint: true },
    ],
    [
      "while energy flows the sink's target is two polls behind the source's",
      state("flowing"),
      { ...sink, ...flow, moved: 1_002n },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "… and it opens there, should the source go on",
      state("flowing"),
      { ...sink, ...flow, moved: 1_004n },
      { phase: "ended", relays: "open", end: "target", checkpoint: true },
    ],
    [
      "a resumed delivery that is complete does not close again",
      start(NOW),
      { moved: 1_002n },
      { phase: "ended", relays: "open", end: "target" },
    ],
  ]);

  table("ending otherwise", [
    [
      "the deadline",
      state("flowing"),
      { ...flow, unixS: 5_600 },
      { phase: "ended", relays: "open", end: "deadline", checkpoint: true },
    ],
    [
      "closed on chain",
      state("flowing"),
      { ...flow, over: true },
      { phase: "ended", relays: "open", end: "closed-on-chain", checkpoint: true },
    ],
    [
      "no flow within a minute of closing",
      state("waiting", NOW - 60_000),
      closed,
      { phase: "ended", relays: "open", end: "no-flow", checkpoint: true },
    ],
    ["a minute is not over yet", state("waiting", NOW - 59_999), closed, { phase: "waiting", relays: "closed" }],
    [
      "the buyer's meter is silent for too long",
      state("flowing"),
      { ...flow, unwitnessed: 301n },
      { phase: "ended", relays: "open", end: "unwitnessed", checkpoint: true },
    ],
    ["just trusted enough", state("flowing"), { ...flow, unwitnessed: 300n }, { phase: "flowing", relays: "closed" }],
    [
      "the sink does not mind what the buyer posts",
      state("flowing"),
      { ...sink, ...flow, unwitnessed: 301n },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "the sink opens when the source is silent",
      state("flowing", NOW - 99_000, NOW - 15_000),
      { ...sink, ...closed },
      { phase: "ended", relays: "open", end: "silent", checkpoint: true },
    ],
    [
      "the source waits a minute for the flow to come back",
      state("flowing", NOW - 99_000, NOW - 59_999),
      closed,
      { phase: "flowing", relays: "closed" },
    ],
    [
      "… and then opens",
      state("flowing", NOW - 99_000, NOW - 60_000),
      closed,
      { phase: "ended", relays: "open", end: "no-flow", checkpoint: true },
    ],
    [
      "a latched fault",
      state("flowing"),
      { ...flow, fault: { latched: true } },
      { phase: "ended", relays: "open", end: "fault", checkpoint: true },
    ],
    ["ended is ended", state("ended"), flow, { phase: "ended", relays: "open" }],
  ]);

  table("interruptions after which it goes on", [
    [
      "a fault that may pass",
      state("flowing"),
      { ...flow, fault: { latched: false } },
      { phase: "preparing", relays: "open", checkpoint: true },
    ],
    [
      "the contract could not be read",
      state("flowing"),
      { ...flow, authority: false },
      { phase: "preparing", relays: "open", checkpoint: true },
    ],
    ["the relay fell open", state("flowing"), { powerW: 0 }, { phase: "preparing", relays: "open", checkpoint: true }],
    [
      "the contract could not be read while waiting",
      state("waiting"),
      { ...closed, authority: false },
      { phase: "preparing", relays: "open", checkpoint: true },
    ],
  ]);

  table("checkpoints", [
    [
      "after a minute and 5 % of the energy",
      state("flowing"),
      { ...flow, moved: 100n, readingMoved: 50n, readingAt: 4_940 },
      { phase: "flowing", relays: "closed", checkpoint: true },
    ],
    [
      "not before the minute",
      state("flowing"),
      { ...flow, moved: 100n, readingMoved: 50n, readingAt: 4_941 },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "not before the 5 %",
      state("flowing"),
      { ...flow, moved: 100n, readingMoved: 51n, readingAt: 4_900 },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "twenty at most",
      state("flowing"),
      { ...flow, moved: 100n, readingAt: 4_900, checkpoints: 20 },
      { phase: "flowing", relays: "closed" },
    ],
    [
      "the sink proves the last energy as soon as the flow stops",
      state("flowing", NOW - 9_000, NOW - 1_000),
      { ...sink, ...closed },
      { phase: "flowing", relays: "closed", checkpoint: true },
    ],
    [
      "… once",
      { ...state("flowing", NOW - 9_000, NOW - 1_500), still: true },
      { ...sink, ...closed },
      { phase: "flowing", relays: "closed" },
    ],
  ]);
});
