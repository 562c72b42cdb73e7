import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { DeviceError, StillClosed, type RelayDriver } from "../hardware/types.ts";
import { createLogger } from "../log.ts";
import { CloseRefused } from "./refusal.ts";
import { RelaySet } from "./relay-set.ts";

function setUp(names = ["a", "b"]) {
  const clock = new ManualClock();
  const broken = new Set<string>();
  const stuck = new Set<string>();
  const welded: string[] = [];
  const closed = new Set<string>();
  const closings: string[] = [];
  const world = { blocked: undefined as string | undefined, moved: 0n };
  const move = (name: string, contact: () => unknown): Promise<void> => {
    if (broken.has(name)) return Promise.reject(new DeviceError(name, "does not answer"));
    contact();
    return Promise.resolve();
  };
  const drivers = new Map<string, RelayDriver>(
    names.map((name) => [
      name,
      {
        name,
        caps: { guarded: true, maxLeaseMs: 60_000 },
        open: () =>
          stuck.has(name)
            ? Promise.reject(new StillClosed(name, "still reads closed"))
            : move(name, () => closed.delete(name)),
        close: () => {
          closings.push(name);
          return move(name, () => closed.add(name));
        },
        state: () => Promise.resolve(closed.has(name) ? "closed" : "open"),
        dispose: () => Promise.resolve(),
      },
    ]),
  );
  const relays = new RelaySet({
    relays: drivers,
    interlocks: [],
    deviceLeaseMs: 5_000,
    minOpenMs: 0,
    limits: { maxOnMs: 3_600_000, maxMilliWh: 10_000_000n },
    movedMilliWh: () => world.moved,
    onWelded: (reason) => welded.push(reason),
    clock,
    log: createLogger({ write: () => undefined }),
    blocked: () => world.blocked,
  });
  return { clock, relays, broken, stuck, welded, closed, closings, world };
}

describe("relay set", () => {
  it("closes a path in order and knows it", async () => {
    const { relays, closed } = setUp();
    await relays.close(["a", "b"]);
    expect([...closed]).to.deep.equal(["a", "b"]);
    expect(relays.areClosed(["a", "b"])).to.equal(true);
    expect(relays.positions).to.deep.equal({ a: "closed", b: "closed" });
  });

  it("opens the whole path when one relay does not close", async () => {
    const { relays, broken, closed } = setUp();
    broken.add("b");
    const error: unknown = await relays.close(["a", "b"]).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DeviceError);
    expect([...closed]).to.deep.equal([]);
    expect(relays.positions.a).to.equal("open");
  });

  it("opens everything else when one relay does not open, and still knows that one as closed", async () => {
    const { relays, broken, closed } = setUp();
    await relays.close(["a", "b"]);
    broken.add("a");
    expect(await relays.openAll("test")).to.equal(false);
    expect([...closed]).to.deep.equal(["a"]);
    expect(relays.positions).to.deep.equal({ a: "closed", b: "open" });
    expect(relays.allOpenForMs).to.equal(undefined);
  });

  it("knows that a lease has run out", async () => {
    const { relays, clock } = setUp();
    await relays.close(["a"]);
    await clock.advance(5_000);
    expect(relays.positions.a).to.equal("open");
    await clock.advance(1_000);
    expect(relays.allOpenForMs).to.equal(1_000);
  });

  it("closes nothing while something speaks against it", async () => {
    const { relays, world, closed } = setUp();
    world.blocked = "the oracle is stopping";
    const error: unknown = await relays.close(["a"]).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(CloseRefused);
    expect([...closed]).to.deep.equal([]);
  });

  it("is not closed along an empty path", () => {
    expect(setUp().relays.areClosed([])).to.equal(false);
  });

  it("tells a relay that did not open again and again until it has", async () => {
    const { relays, broken, closed, clock } = setUp();
    await relays.close(["a"]);
    broken.add("a");
    await relays.openAll("test");
    expect(relays.areClosed(["a"]), "not known to be closed either").to.equal(false);
    await clock.advance(3_500);
    broken.delete("a");
    expect([...closed]).to.deep.equal(["a"]);
    await clock.advance(500);
    expect([...closed]).to.deep.equal([]);
    expect(relays.positions.a).to.equal("open");
    await relays.dispose();
  });

  it("calls a relay welded that reads closed after three openings, not a slow or a silent one", async () => {
    const { relays, broken, stuck, welded, clock } = setUp();
    await relays.close(["a", "b"]);
    broken.add("b");
    stuck.add("a");
    await relays.openAll("test");
    await clock.advance(1_500);
    stuck.delete("a");
    await clock.advance(1_000);
    expect(relays.positions.a, "slow").to.equal("open");
    stuck.add("a");
    await relays.openAll("test");
    await clock.advance(1_500);
    expect(welded).to.deep.equal([]);
    await clock.advance(1_000);
    expect(welded).to.deep.equal(["a: still reads closed"]);
    await relays.dispose();
  });

  it("renews a path after a quarter of its lease, not before", async () => {
    const { relays, clock, closings } = setUp(["a"]);
    await relays.keepClosed(["a"]);
    await clock.advance(1_000);
    await relays.keepClosed(["a"]);
    expect(closings).to.deep.equal(["a"]);
    await clock.advance(250);
    await relays.keepClosed(["a"]);
    expect(closings).to.deep.equal(["a", "a"]);
  });

  it("does not go on closing a path that was opened meanwhile", async () => {
    const { relays, closed, closings } = setUp();
    const closing = relays.close(["a", "b"]).catch((reason: unknown) => reason);
    await relays.openAll("test");
    expect(await closing).to.be.instanceOf(Error);
    expect(closings).to.deep.equal(["a"]);
    expect([...closed]).to.deep.equal([]);
  });

  it("opens what was closed for too long, lets it rest and allows it again", async () => {
    const { relays, closed, clock } = setUp();
    for (let i = 0; i < 3_600; i++) {
      await relays.keepClosed(["a"]);
      await clock.advance(1_000);
    }
    expect([...closed]).to.deep.equal([]);
    expect(relays.positions.a).to.equal("open");
    expect(await relays.close(["a"]).catch((reason: Error) => reason.message)).to.match(/rests after/);
    await clock.advance(120_000);
    await relays.close(["a"]);
    expect([...closed]).to.deep.equal(["a"]);
  });

  it("opens when too much has flowed in one closing", async () => {
    const { relays, world, closed, clock } = setUp();
    world.moved = 5_000_000n;
    await relays.close(["a", "b"]);
    world.moved += 10_000_000n;
    await relays.close(["a", "b"]);
    world.moved += 1n;
    const refusal = await relays.close(["a", "b"]).catch((reason: unknown) => reason);
    expect((refusal as Error).message).to.match(/more than 10000 Wh flowed in one closing/);
    expect([...closed]).to.deep.equal([]);
    await clock.advance(120_000);
    await relays.close(["a", "b"]);
    expect([...closed]).to.deep.equal(["a", "b"]);
  });
});
