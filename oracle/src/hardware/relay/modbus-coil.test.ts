import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { type Simulator, parseMicroGrid, startSimulator } from "../../simulator/index.ts";
import { createRelay, relayDriverSchema } from "../index.ts";
import { type BareServer, bareModbusServer, rejection, silentServer } from "../testing/bare-server.ts";
import { DeviceError, type RelayDriver } from "../types.ts";

const watchdog = { register: 0, unitMs: 50 };

function relayAt(port: number, coil: number, guard: object = { watchdog }): RelayDriver {
  const config = { driver: "modbus-coil", host: "127.0.0.1", port, coil, timeoutMs: 400, ...guard };
  return createRelay(relayDriverSchema.parse(config), { name: `relay-${coil}` });
}

describe("Modbus relay on a board with a watchdog", () => {
  let simulator: Simulator;
  let discharge: RelayDriver;
  let charge: RelayDriver;

  const contact = (name: string) => simulator.state().households[0]!.contacts[name]!;
  /** Waits until the board has opened a contact, however busy this machine is. */
  const dropped = async (name: string, meanwhile: () => Promise<void> = () => Promise.resolve()) => {
    for (const since = performance.now(); contact(name).closed; await delay(50)) {
      expect(performance.now() - since, "the board never drops it").to.be.below(10_000);
      await meanwhile();
    }
  };

  beforeEach(async () => {
    simulator = await startSimulator(
      parseMicroGrid({
        households: [
          {
            name: "home",
            meter: { port: 0, map: "siemens-pac3200" },
            board: { port: 0, watchdog },
            battery: { capacityWh: 1_000, socWh: 500, dischargeLimitW: 1_000, chargeLimitW: 1_000 },
          },
        ],
      }),
    );
    const { board } = simulator.ports.households[0]!;
    discharge = relayAt(board!, 0);
    charge = relayAt(board!, 1);
  });

  afterEach(async () => {
    simulator.change({ household: "home", board: { answers: true }, welded: { discharge: false, charge: false } });
    await Promise.allSettled([discharge.dispose(), charge.dispose()]);
    await simulator.stop();
  });

  it("closes and opens its own contact, and knows when it has moved", async () => {
    expect(await discharge.state()).to.equal("open");
    await discharge.close(1_000);
    expect(contact("discharge").closed).to.equal(true);
    expect(contact("charge").closed).to.equal(false);
    expect(await discharge.state()).to.equal("closed");
    await discharge.open();
    expect(contact("discharge").closed).to.equal(false);
    expect(await discharge.state()).to.equal("open");
  });

  it("is dropped by the board when it is not renewed", async () => {
    await discharge.close(200);
    await dropped("discharge");
    expect(await discharge.state()).to.equal("open");
    const [closed, opened] = contact("discharge").history;
    expect(opened).to.include({ closed: false, cause: "watchdog" });
    expect(opened!.at - closed!.at).to.be.at.least(120);
  });

  it("stays closed while it is renewed", async () => {
    for (let i = 0; i < 6; i++) {
      await discharge.close(600);
      await delay(200);
    }
    expect(contact("discharge").history).to.have.length(1);
  });

  it("is not kept closed by the renewal of its neighbor", async () => {
    await discharge.close(200);
    // Once at least: a busy machine may be that late.
    await charge.close(5_000);
    await dropped("discharge", () => charge.close(5_000));
    expect(contact("charge").closed).to.equal(true);
  });

  it("is open in the end when it is opened while it closes", async () => {
    const closing = rejection(discharge.close(1_000));
    const opening = discharge.open();
    expect((await closing).message).to.match(/was opened while it was being closed/);
    await opening;
    await delay(40);
    expect(contact("discharge").closed).to.equal(false);
  });

  it("reports a welded contact", async () => {
    await discharge.close(1_000);
    simulator.change({ household: "home", welded: { discharge: true } });
    expect((await rejection(discharge.open())).message).to.match(/still reads closed .* may be welded/);
  });

  it("fails in time on a dead board, which then drops it by itself", async () => {
    await discharge.close(300);
    simulator.change({ household: "home", board: { answers: false } });
    const started = performance.now();
    const error = await rejection(discharge.open());
    expect(error).to.be.instanceOf(DeviceError);
    expect(error.message).to.match(/^relay-0: .* did not answer within 400 ms when asked to open coil 0/);
    expect(performance.now() - started, "twice, because the connection might have been the reason").to.be.within(
      790,
      4_000,
    );
    await delay(100);
    expect(contact("discharge").closed).to.equal(false);
  });

  it("leaves the relay open when it is disposed of", async () => {
    await discharge.close(5_000);
    await discharge.dispose();
    expect(contact("discharge").closed).to.equal(false);
  });

  it("takes only leases that the watchdog can hold", async () => {
    expect(discharge.caps).to.deep.equal({ guarded: true, maxLeaseMs: 65_535 * 50 });
    expect((await rejection(discharge.close(65_536 * 50))).message).to.match(
      /a lease of 3276800 ms is not within 50 to 3276750 ms/,
    );
    expect((await rejection(discharge.close(49))).message).to.match(/not within/);
    expect((await rejection(discharge.close(NaN))).message).to.match(/not within/);
    expect(contact("discharge").history).to.deep.equal([]);
  });
});

describe("Modbus relay on somebody else's board", () => {
  let server: BareServer;
  let log: string[];
  let refuses: string;
  let stuck: boolean;

  beforeEach(async () => {
    log = [];
    refuses = "";
    stuck = false;
    let coil = false;
    const note = (entry: string) => {
      log.push(entry);
      if (entry === refuses) throw Object.assign(new Error(), { modbusErrorCode: 4 });
    };
    server = await bareModbusServer({
      getCoil: () => coil,
      setCoil: (address: number, on: boolean) => {
        note(`coil ${address} ${on ? "on" : "off"}`);
        if (!stuck) coil = on;
      },
      setRegister: (address: number, value: number) => note(`register ${address} = ${value}`),
    });
  });

  afterEach(() => server.close());

  it("arms the watchdog before the contact moves, and with every renewal", async () => {
    const relay = relayAt(server.port, 3);
    await relay.close(1_020);
    await relay.close(500);
    await relay.dispose();
    expect(log).to.deep.equal(["register 0 = 20", "coil 3 on", "register 0 = 10", "coil 3 on", "coil 3 off"]);
  });

  it("arms the one watchdog of a board for the shortest lease of its coils", async () => {
    const [short, long] = [relayAt(server.port, 3), relayAt(server.port, 4)];
    await short.close(600);
    await long.close(60_000);
    await short.open();
    await long.close(60_000);
    await Promise.all([short.dispose(), long.dispose()]);
    const armed = log.filter((entry) => entry.startsWith("register")).map((entry) => Number(entry.split(" = ")[1]));
    expect(armed[0]).to.equal(600 / 50);
    expect(armed[1]).to.be.within(1, 600 / 50);
    expect(armed[2], "alone again").to.equal(60_000 / 50);
  });

  it("does not close when the watchdog cannot be armed", async () => {
    refuses = "register 0 = 19";
    const relay = relayAt(server.port, 3);
    const error = await rejection(relay.close(990));
    expect(error.message).to.match(/answers with exception 4 when asked to set watchdog register 0/);
    expect(log).to.deep.equal([refuses, "coil 3 off"]);
    await relay.dispose();
  });

  it("opens again when the contact does not answer to the coil", async () => {
    stuck = true;
    const relay = relayAt(server.port, 3);
    expect((await rejection(relay.close(1_000))).message).to.match(
      /still reads open 200 ms after coil 3 was switched on/,
    );
    expect(log.slice(1)).to.deep.equal(["coil 3 on", "coil 3 off"]);
    await relay.dispose();
  });

  it("is not guarded without a watchdog", async () => {
    const relay = relayAt(server.port, 3, { unguarded: true });
    expect(relay.caps.guarded).to.equal(false);
    await relay.close(1_000);
    await relay.dispose();
    expect(log).to.deep.equal(["coil 3 on", "coil 3 off"]);
  });

  it("says that it neither closes nor opens for certain when the board hangs in between", async () => {
    const silent = await silentServer();
    const relay = relayAt(silent.port, 0);
    expect((await rejection(relay.close(1_000))).message).to.match(
      /neither closes nor opens for certain; its watchdog drops it/,
    );
    await rejection(relay.dispose());
    await silent.close();
  });
});
