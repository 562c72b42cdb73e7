import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { DeviceError, type RelayDriver, type RelayPosition, StillClosed } from "../hardware/types.ts";
import { Interlock, withDwell, withGate, withLatestWins, withLease } from "./relays.ts";
import { CloseRefused } from "./refusal.ts";

/** Notes what reaches the device. */
class Contact implements RelayDriver {
  readonly name: string;
  readonly caps = { guarded: true, maxLeaseMs: 60_000 };
  readonly calls: string[] = [];
  broken = false;
  welded = false;
  position: RelayPosition = "closed";

  constructor(name = "K1") {
    this.name = name;
  }

  open() {
    return this.#move("open", "open");
  }

  close(leaseMs: number) {
    return this.#move(`close ${leaseMs}`, "closed");
  }

  #move(call: string, position: RelayPosition): Promise<void> {
    this.calls.push(call);
    if (this.welded) return Promise.reject(new StillClosed(this.name, "still reads closed"));
    if (this.broken) return Promise.reject(new DeviceError(this.name, "does not answer"));
    this.position = position;
    return Promise.resolve();
  }

  state = () => Promise.resolve(this.position);
  dispose = () => Promise.resolve();
}

async function refusal(work: Promise<unknown>): Promise<CloseRefused> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(CloseRefused);
  return error as CloseRefused;
}

describe("device lease", () => {
  let clock: ManualClock;
  let contact: Contact;
  let relay: RelayDriver;
  let expired: number;

  beforeEach(() => {
    clock = new ManualClock();
    contact = new Contact();
    expired = 0;
    relay = withLease(contact, 5_000, clock, () => {
      expired++;
      void relay.open();
    });
  });

  it("opens a relay that is not renewed", async () => {
    await relay.close(5_000);
    await clock.advance(4_999);
    expect(contact.position).to.equal("closed");
    await clock.advance(1);
    expect(contact.position).to.equal("open");
    expect(expired).to.equal(1);
  });

  it("keeps a relay that is renewed closed", async () => {
    for (let i = 0; i < 10; i++) {
      await relay.close(5_000);
      await clock.advance(4_000);
    }
    expect(contact.position).to.equal("closed");
    expect(expired).to.equal(0);
  });

  it("arms the device's own guard for longer than itself", async () => {
    await relay.close(5_000);
    expect(contact.calls).to.deep.equal(["close 6000"]);
  });

  it("runs before the contact may move: a device that closes and never answers is opened", async () => {
    const hanging: RelayDriver = {
      ...contact,
      open: () => contact.open(),
      close: async (ms) => {
        await contact.close(ms);
        await new Promise(() => undefined);
      },
    };
    relay = withLease(hanging, 5_000, clock, () => void relay.open());
    void relay.close(5_000);
    await clock.advance(5_000);
    expect(contact.position).to.equal("open");
  });

  it("does not begin with a closing that was refused", async () => {
    relay = withLease(
      withGate(contact, () => "no"),
      5_000,
      clock,
      () => expired++,
    );
    await refusal(relay.close(5_000));
    await clock.advance(60_000);
    expect(expired).to.equal(0);
  });

  it("ends with opening", async () => {
    await relay.close(5_000);
    await relay.open();
    await clock.advance(60_000);
    expect(contact.calls).to.deep.equal(["close 6000", "open"]);
  });

  it("refuses a device whose guard is shorter", () => {
    expect(() => withLease(contact, 59_001, clock, () => undefined)).to.throw(RangeError, /watchdog reaches 60000 ms/);
  });
});

describe("latest command wins", () => {
  it("opens once more what a slow device closed after it had been opened", async () => {
    const contact = new Contact();
    const answer = Promise.withResolvers<void>();
    const relay = withLatestWins({
      ...contact,
      open: () => contact.open(),
      close: async (ms) => {
        await answer.promise;
        await contact.close(ms);
      },
    });
    const closing = relay.close(1_000).catch((error: unknown) => error);
    await relay.open();
    answer.resolve();
    expect(await closing).to.be.instanceOf(DeviceError);
    expect(contact.position).to.equal("open");
  });

  it("closes nothing while an opening is under way", async () => {
    const contact = new Contact();
    const relay = withLatestWins({
      ...contact,
      open: () => new Promise(() => undefined),
      close: (ms) => contact.close(ms),
    });
    void relay.open();
    expect((await refusal(relay.close(1_000))).message).to.match(/is being opened/);
    expect(contact.calls).to.deep.equal([]);
  });
});

describe("minimum dwell", () => {
  it("delays closing after an opening, never the opening", async () => {
    const clock = new ManualClock();
    const contact = new Contact();
    const relay = withDwell(contact, 2_000, clock);
    await relay.close(5_000);
    await relay.open();
    expect(contact.position).to.equal("open");
    await clock.advance(500);
    expect((await refusal(relay.close(5_000))).retryInMs).to.equal(1_500);
    await relay.open();
    await clock.advance(1_500);
    await relay.close(5_000);
    expect(contact.position).to.equal("closed");
    await relay.close(5_000); // a renewal
  });

  it("does not count an attempt that was refused further in", async () => {
    const clock = new ManualClock();
    let blocked = true;
    const relay = withDwell(
      withGate(new Contact(), () => (blocked ? "no" : undefined)),
      2_000,
      clock,
    );
    await relay.open();
    await clock.advance(2_000);
    await refusal(relay.close(5_000));
    await relay.open();
    blocked = false;
    await relay.close(5_000);
  });

  it("counts the first opening: nobody knows what the contact was before", async () => {
    const clock = new ManualClock();
    const relay = withDwell(new Contact(), 2_000, clock);
    await relay.open();
    expect((await refusal(relay.close(5_000))).retryInMs).to.equal(2_000);
  });

  it("counts from the opening that ended what a slow device had closed after an earlier one", async () => {
    const clock = new ManualClock();
    const contact = new Contact();
    await contact.open();
    const slow: RelayDriver = {
      name: contact.name,
      caps: contact.caps,
      state: contact.state,
      dispose: contact.dispose,
      open: async () => {
        if (contact.position === "closed") await clock.sleep(3_000);
        await contact.open();
      },
      close: async (ms) => {
        await clock.sleep(3_000);
        await contact.close(ms);
      },
    };
    const relay = withDwell(withLatestWins(slow), 2_000, clock);
    const closing = relay.close(5_000).catch((error: Error) => error);
    await relay.open();
    await clock.advance(3_000);
    expect(await closing).to.be.instanceOf(DeviceError);
    expect(contact.position).to.equal("closed");
    const opening = relay.open();
    await clock.advance(3_000);
    await opening;
    expect(contact.position).to.equal("open");
    expect((await refusal(relay.close(5_000))).retryInMs).to.equal(2_000);
  });

  it("counts an opening that failed: the contact may have moved", async () => {
    const clock = new ManualClock();
    const contact = new Contact();
    const relay = withDwell(contact, 2_000, clock);
    await relay.close(5_000);
    contact.broken = true;
    await relay.open().catch(() => undefined);
    contact.broken = false;
    expect((await refusal(relay.close(5_000))).retryInMs).to.equal(2_000);
  });
});

describe("interlock", () => {
  let clock: ManualClock;
  let charge: RelayDriver;
  let discharge: RelayDriver;
  let contacts: { charge: Contact; discharge: Contact };

  beforeEach(() => {
    clock = new ManualClock();
    const lock = new Interlock(500, clock);
    contacts = { charge: new Contact("charge"), discharge: new Contact("discharge") };
    charge = lock.guard(contacts.charge);
    discharge = lock.guard(contacts.discharge);
  });

  it("closes nothing before every member was opened once", async () => {
    expect((await refusal(charge.close(5_000))).message).to.match(/discharge, which is not open/);
    expect(contacts.charge.calls).to.deep.equal([]);
  });

  it("closes one member at a time", async () => {
    await Promise.all([charge.open(), discharge.open()]);
    await clock.advance(500);
    await charge.close(5_000);
    expect((await refusal(discharge.close(5_000))).retryInMs).to.equal(undefined);
    await charge.close(5_000); // a renewal
  });

  it("waits the dead time out between two members", async () => {
    await Promise.all([charge.open(), discharge.open()]);
    await clock.advance(500);
    await charge.close(5_000);
    await charge.open();
    await clock.advance(200);
    expect((await refusal(discharge.close(5_000))).retryInMs).to.equal(300);
    await clock.advance(300);
    await discharge.close(5_000);
  });

  it("lets two closings at the same time not both through", async () => {
    await Promise.all([charge.open(), discharge.open()]);
    await clock.advance(500);
    const results = await Promise.allSettled([charge.close(5_000), discharge.close(5_000)]);
    expect(results.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected"]);
  });

  it("counts a member as closed that reads closed when it is opened, whoever closed it", async () => {
    await charge.open();
    await discharge.open();
    await clock.advance(500);
    contacts.charge.welded = true;
    await charge.open().catch(() => undefined);
    expect((await refusal(discharge.close(5_000))).message).to.contain("interlocked with charge");
    contacts.charge.welded = false;
    await charge.open();
    await clock.advance(500);
    await discharge.close(5_000);
  });

  it("counts a member as closed as long as its opening is not confirmed", async () => {
    await Promise.all([charge.open(), discharge.open()]);
    await clock.advance(500);
    contacts.charge.broken = true;
    await charge.close(5_000).catch(() => undefined);
    await refusal(discharge.close(5_000));
    contacts.charge.broken = false;
    await charge.open();
    await clock.advance(500);
    await discharge.close(5_000);
  });
});

describe("gate", () => {
  it("keeps closed to whoever has no right, and opens what a fault overtook", async () => {
    const contact = new Contact();
    let reason: string | undefined = "OverPower";
    const relay = withGate(contact, () => reason);
    expect((await refusal(relay.close(5_000))).message).to.match(/OverPower/);
    expect(contact.calls).to.deep.equal([]);
    reason = undefined;
    const closing = relay.close(5_000);
    reason = "NoSample";
    await refusal(closing);
    expect(contact.position).to.equal("open");
  });
});
