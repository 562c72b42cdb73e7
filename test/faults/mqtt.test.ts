import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import mqtt, { type MqttClient } from "mqtt";
import { createRelay, type RelayDriver } from "../../oracle/src/hardware/index.ts";
import { needs } from "../hardware/needs.ts";
import { tasmotaPlug } from "../hardware/tasmota.ts";
import { freePorts, until, World } from "../system/world.ts";
import { BUYER, openWorld, SELLER, Trade } from "./books.ts";

const TOPIC = "plug";
const LAST_WILL = { topic: `tele/${TOPIC}/LWT`, payload: Buffer.from("Offline"), retain: true, qos: 1 } as const;

describe("faults of a relay behind a broker", () => {
  needs("mosquitto");
  let world: World;
  let broker: ChildProcess;
  let url: string;
  let contact: RelayDriver;
  let house: MqttClient;
  let ear: MqttClient;
  /** Every command that goes through the broker. */
  const heard: string[] = [];

  before(async () => {
    world = await World.start(2);
    const port = await freePorts(1);
    url = `mqtt://127.0.0.1:${port}`;
    const settings = join(world.dir, "mosquitto.conf");
    await writeFile(settings, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
    broker = spawn("/usr/sbin/mosquitto", ["-c", settings], { stdio: "ignore" });
    await world.configure(SELLER, (config) => {
      const relays = config.relays as Record<string, object>;
      const { watchdog: _, ...coil } = relays.discharge as { watchdog: object };
      // The plug itself moves the seller's contact, and is the only one that does.
      contact = createRelay({ ...coil, unguarded: true } as Parameters<typeof createRelay>[0], { name: "the plug" });
      relays.discharge = { driver: "tasmota", broker: url, topic: TOPIC };
    });
    for (const n of [SELLER, BUYER])
      await world.configure(n, (config) => (config.delivery = { noFlowTimeoutS: 30, silentTimeoutS: 60 }));
    await plugIn();
    ear = await mqtt.connectAsync(url);
    ear.on("message", (_topic, payload) => heard.push(payload.toString()));
    await ear.subscribeAsync(`cmnd/${TOPIC}/#`);
    await openWorld(world);
  });

  after(async () => {
    for (const client of [house, ear]) client?.end(true);
    // The plug opens its contact in the end, so the world has to be there yet.
    await contact?.dispose();
    await world?.stop();
    broker?.kill();
  });

  async function plugIn(): Promise<void> {
    house = await mqtt.connectAsync(url, { will: LAST_WILL, reconnectPeriod: 0 });
    house.on("error", () => undefined);
    await tasmotaPlug(house, TOPIC, (on) => {
      // In the end its timer goes on without the contact.
      (on ? contact.close(60_000) : contact.open()).catch(() => undefined);
    });
  }

  it("its last will says offline while energy flows: it opens by its own timer, nothing more is sent to it; back again, the trade goes on", async () => {
    const trade = await Trade.make(world, 60n);
    await trade.flowed(8);
    house.stream.destroy();
    const opened = await until("the plug to open", async () => {
      const state = await world.contact(SELLER, "discharge");
      return !state.closed && state.history.at(-1);
    });
    const said = heard.length;
    await new Promise((done) => setTimeout(done, 3_000));
    expect((await trade.moves(SELLER, "discharge")).at(-1), "it stays open").to.deep.equal(opened);
    expect(said, "something was sent before").to.be.above(0);
    expect(heard.slice(said), "nothing is sent to a device that is not there").to.deep.equal([]);

    await plugIn();
    const delivered = await trade.expectBalanced();
    expect(Number(delivered)).to.be.above(20);
    expect(world.logged(SELLER, "died")).to.have.length(0);
  });
});
