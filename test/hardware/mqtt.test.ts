import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import mqtt, { type MqttClient } from "mqtt";
import { createMeter, createRelay, meterDriverSchema, relayDriverSchema } from "../../oracle/src/hardware/index.ts";
import type { EnergyMeter, RelayDriver } from "../../oracle/src/hardware/index.ts";
import { rejection } from "../../oracle/src/hardware/testing/bare-server.ts";
import { needs } from "./needs.ts";
import { tasmotaPlug } from "./tasmota.ts";

const PORT = 20_500;
const TLS_PORT = 20_501;
const { signal } = new AbortController();

describe("MQTT devices behind a real broker (mosquitto)", function () {
  this.timeout(60_000);
  needs("mosquitto", "openssl");

  let folder = "";
  let broker: ChildProcess;
  let config: { broker: string; user: string; passwordFile: string };
  /** The devices' own connection. */
  let house: MqttClient;
  const open: { dispose(): Promise<void> }[] = [];

  async function startBroker(): Promise<void> {
    broker = spawn("/usr/sbin/mosquitto", ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
    house = mqtt.connect(`mqtt://127.0.0.1:${PORT}`, { username: "ioe", password: "secret", reconnectPeriod: 200 });
    house.on("error", () => undefined);
    await new Promise<void>((resolve) => house.once("connect", () => resolve()));
  }

  async function stopBroker(): Promise<void> {
    house.end(true);
    const ended = new Promise((resolve) => broker.once("exit", resolve));
    broker.kill("SIGKILL");
    await ended;
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "ioe-mqtt-"));
    chmodSync(folder, 0o755); // the broker lays its rights down
    const file = (name: string) => join(folder, name);
    writeFileSync(file("password"), "secret\n", { mode: 0o600 });
    writeFileSync(file("users"), "ioe:secret\n");
    execFileSync("mosquitto_passwd", ["-U", file("users")]);
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        file("key"),
        "-out",
        file("ca"),
        ...subject,
      ],
      { stdio: "ignore" },
    );
    for (const name of ["users", "key", "ca"]) chmodSync(file(name), 0o644);
    writeFileSync(
      file("mosquitto.conf"),
      `listener ${PORT} 127.0.0.1\nlistener ${TLS_PORT} 127.0.0.1\ncertfile ${file("ca")}\nkeyfile ${file("key")}\n` +
        `allow_anonymous false\npassword_file ${file("users")}\n`,
    );
    config = { broker: `mqtt://127.0.0.1:${PORT}`, user: "ioe", passwordFile: file("password") };
    await startBroker();
  });

  afterEach(async () => {
    await Promise.allSettled(open.splice(0).map((device) => device.dispose()));
    house.removeAllListeners("message");
  });
  after(async () => {
    if (folder === "") return; // not run
    await stopBroker();
    rmSync(folder, { recursive: true });
  });

  function relay(driver: string, topic: string, more: object = {}): RelayDriver {
    const parsed = relayDriverSchema.parse({ driver, ...config, topic, timeoutMs: 800, settleMs: 200, ...more });
    const made = createRelay(parsed, { name: "K1" });
    open.push(made);
    return made;
  }

  function meter(more: object): EnergyMeter {
    const base = { driver: "mqtt", ...config, scope: "branch", maxPowerW: 4_000, timeoutMs: 600 };
    const made = createMeter(meterDriverSchema.parse({ ...base, ...more }), { unitsPerKWh: 1_000n });
    open.push(made);
    return made;
  }

  const tasmota = (topic: string) => tasmotaPlug(house, topic);

  it("Tasmota: sets and verifies PulseTime before it closes, writes it once, and renews by switching on again", async () => {
    const plug = await tasmota("plug1");
    const driver = relay("tasmota", "plug1");
    await driver.close(6_000);
    await driver.close(6_000);
    expect(plug.on).to.equal(true);
    const firstOn = plug.log.indexOf("Power1 ON");
    expect(plug.log.indexOf("PulseTime1 60")).to.be.within(0, firstOn - 1);
    expect(plug.log.filter((entry) => entry === "PulseTime1 60")).to.have.length(1);
    expect(plug.log.filter((entry) => entry === "Power1 ON")).to.have.length(2);
    await driver.open();
    expect(await driver.state()).to.equal("open");
    await driver.close(1_000);
    await delay(1_300);
    expect(plug.on, "opened by itself").to.equal(false);
    expect(plug.log.join()).to.not.match(/retained/);
  });

  it("Tasmota: does not close without its guard, or when it would close by itself", async () => {
    const plug = await tasmota("plug2");
    plug.takesPulse = false;
    const driver = relay("tasmota", "plug2");
    expect((await rejection(driver.close(6_000))).message).to.match(/does not take PulseTime 60/);
    plug.powerOn = 3;
    const second = await rejection(relay("tasmota", "plug2").close(6_000));
    expect(second.message).to.match(/PowerOnState 3 .* PowerOnState 0/);
    expect(plug.log).to.not.include("Power1 ON");
  });

  it("Tasmota: sends nothing to a device that its last will calls offline, or that nobody has heard of", async () => {
    const plug = await tasmota("plug3");
    await house.publishAsync("tele/plug3/LWT", "Offline", { retain: true, qos: 1 });
    expect((await rejection(relay("tasmota", "plug3").close(6_000))).message).to.match(/is offline, says the broker/);
    expect(plug.log).to.deep.equal([]);
    expect((await rejection(relay("tasmota", "plug0").close(6_000))).message).to.match(/has never heard of it/);
  });

  it("Shelly: comes with its off-timer over RPC, and counts only when the device says so", async () => {
    const state = { output: false, timer: 0, initial: "off", deaf: false, log: [] as string[] };
    house.on("message", (topic, payload) => {
      if (topic !== "shelly1/rpc") return;
      const { id, src, method, params } = JSON.parse(payload.toString()) as {
        id: number;
        src: string;
        method: string;
        params: { on?: boolean; toggle_after?: number };
      };
      state.log.push(`${method} ${JSON.stringify(params)}`);
      if (method === "Switch.Set" && !state.deaf) [state.output, state.timer] = [params.on!, params.toggle_after ?? 0];
      const result = {
        "Switch.Set": { was_on: false },
        "Switch.GetConfig": { initial_state: state.initial },
        "Switch.GetStatus": { output: state.output, ...(state.timer > 0 && { timer_duration: state.timer }) },
      }[method];
      house.publish(`${src}/rpc`, JSON.stringify({ id, src: "shelly1", dst: src, result }));
    });
    await house.subscribeAsync("shelly1/rpc");
    await house.publishAsync("shelly1/online", "true", { retain: true, qos: 1 });
    const driver = relay("shelly-mqtt", "shelly1");
    await driver.close(6_000);
    expect(state.log).to.include('Switch.Set {"id":0,"on":true,"toggle_after":6}');
    expect(await driver.state()).to.equal("closed");
    await driver.open();
    expect(state.output).to.equal(false);
    state.deaf = true;
    expect((await rejection(driver.close(6_000))).message).to.match(/still reads open/);
  });

  it("meter: takes registers from paths, waits for the next message, and refuses what was retained", async () => {
    const values = (total: number) => JSON.stringify({ import: total, export: "1.5", power: -250.5 });
    await house.publishAsync("grid", values(10.001), { retain: true, qos: 1 });
    const place = (path: string) => ({ topic: "grid", path });
    const grid = meter({ import: place("import"), export: place("export"), power: place("power") });
    expect((await rejection(grid.read(signal))).message).to.match(/grid was retained by the broker/);
    const reading = grid.read(signal);
    await delay(50);
    house.publish("grid", values(10.29));
    const first = await reading;
    expect(first).to.include({ imported: 10_290n, exported: 1_500n, powerW: 250.5 });
    expect((await rejection(grid.read(signal))).message, "the same message is no second sample").to.match(
      /no register since/,
    );
    house.publish("grid", values(10.291));
    expect((await grid.read(signal)).at).to.be.greaterThan(first.at);
    house.publish("grid", "nonsense");
    expect((await rejection(grid.read(signal))).message).to.match(/grid has no number at import/);
  });

  it("meter: takes what was retained when it says of when, and asks a device that answers", async () => {
    const body = (age: number) => JSON.stringify({ total: 2, power: 5, time: (Date.now() - age) / 1_000 });
    const place = { topic: "dated", path: "total", unit: "kWh" };
    const dated = { import: place, power: { topic: "dated", path: "power" }, timestamp: "time", maxAgeMs: 5_000 };
    await house.publishAsync("dated", body(60_000), { retain: true, qos: 1 });
    const meters = meter(dated);
    await rejection(meters.read(signal));
    await house.publishAsync("dated", body(1_000), { retain: true, qos: 1 });
    expect(await meters.read(signal)).to.include({ imported: 2_000n, powerW: -5 });

    house.on("message", (topic) => {
      if (topic === "cmnd/plug/Status")
        house.publish("stat/plug/STATUS10", JSON.stringify({ StatusSNS: { ENERGY: { Total: 3.185, Power: 52 } } }));
    });
    await house.subscribeAsync("cmnd/plug/Status");
    const at = (path: string) => ({ topic: "stat/plug/STATUS10", path: `StatusSNS.ENERGY.${path}` });
    const plug = meter({ request: { topic: "cmnd/plug/Status", text: "10" }, import: at("Total"), power: at("Power") });
    for (let i = 0; i < 3; i++) expect(await plug.read(signal)).to.include({ imported: 3_185n, powerW: -52 });
  });

  it("speaks TLS with a certificate it was given, and says what is wrong with one it was not", async () => {
    const tls = {
      broker: `mqtts://localhost:${TLS_PORT}`,
      import: { topic: "tls" },
      power: { topic: "tls" },
      timeoutMs: 3_000,
    };
    expect((await rejection(meter(tls).read(signal))).message).to.match(
      /certificate that is not trusted .* set caFile/,
    );
    const trusted = meter({ ...tls, caFile: join(folder, "ca") });
    const reading = trusted.read(signal);
    await delay(1_500);
    house.publish("tls", "7");
    expect((await reading).imported).to.equal(7_000n);
  });

  it("says that the broker does not let it in, and refuses a password that others can read", async () => {
    const wrong = join(folder, "wrong");
    writeFileSync(wrong, "guess", { mode: 0o600 });
    const one = { import: { topic: "x" }, power: { topic: "x" }, timeoutMs: 1_500 };
    const error = await rejection(meter({ ...one, passwordFile: wrong }).read(signal));
    expect(error.message)
      .to.match(/does not let user ioe in/)
      .and.not.include("guess");
    chmodSync(wrong, 0o644);
    expect(() => meter({ ...one, passwordFile: wrong })).to.throw(/can be read by others; run: chmod 600/);
  });

  it("fails at once while the broker is gone, sends nothing late, and goes on when it is back", async () => {
    await tasmota("plug4");
    const driver = relay("tasmota", "plug4");
    await driver.close(2_000);
    await stopBroker();
    expect((await rejection(driver.close(2_000))).message).to.match(
      /neither closes nor opens .* the broker mqtt:\/\/127/,
    );
    await startBroker();
    const plug = await tasmota("plug4");
    await delay(2_500);
    expect(plug.log).to.not.include("Power1 ON");
    await driver.close(2_000);
    expect(plug.on).to.equal(true);
  });
});
