import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { createPublicClient, custom, type EIP1193Provider, parseEther, type PublicClient } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { deployLocalZone, LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import { Outbox, worldOf, Zone } from "../../oracle/src/chain/index.ts";
import { systemClock as clock } from "../../oracle/src/clock.ts";
import { Courier, Desk, Inbox, MqttDoor, RegistryOnChain } from "../../oracle/src/gateway/index.ts";
import { MqttGateway } from "../../oracle/src/gateway/mqtt-client.ts";
import { mqttGateway, topicsOf } from "../../oracle/src/gateway/mqtt-topics.ts";
import { answersBody, encodeReadings, LARGEST_BODY } from "../../oracle/src/gateway/wire.ts";
import { rejection } from "../../oracle/src/hardware/testing/bare-server.ts";
import { Journal } from "../../oracle/src/journal/index.ts";
import { createLogger } from "../../oracle/src/log.ts";
import { MeterKey, signPossession, type SignedReading } from "../../oracle/src/metering/index.ts";
import type { Deployment } from "../../protocol/src/index.ts";
import { freePorts, until } from "../system/world.ts";
import { needs } from "../hardware/needs.ts";

const PATIENCE_MS = 15_000;
/** What a stranger would like the gateway to write to. */
const RELAY = "house/relay/command";
const topics = topicsOf("ioe");

/** The real contracts on a chain inside this process; every way between Pi and gateway leads through the broker. */
describe("gateway behind a real broker (mosquitto)", function () {
  this.timeout(240_000);
  needs("mosquitto");

  let folder: string;
  let port: number;
  let broker: ChildProcess;
  let connection: NetworkConnection;
  let client: PublicClient;
  let deployment: Deployment;
  let zone: Zone;
  let journal: Journal;
  let desk: Desk;
  let door: MqttDoor;
  let gateway: MqttGateway;
  let key: MeterKey;
  let last = { takenAt: 0, exported: 0n };
  const stop = new AbortController();
  const raws: MqttClient[] = [];
  const log = createLogger({ write: () => undefined });

  const as = (user: string) =>
    mqttGateway.parse({ broker: `mqtt://127.0.0.1:${port}`, user, passwordFile: join(folder, "password") });
  const openDoor = (topic = "ioe", requestsPerSecond = 200) => {
    const opened = new MqttDoor({ config: { ...as("keeper"), topic }, requestsPerSecond, desk, clock, log });
    opened.start();
    return opened;
  };

  async function startBroker(): Promise<void> {
    broker = spawn("/usr/sbin/mosquitto", ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
    await raw("keeper").then((probe) => probe.endAsync());
  }

  async function stopBroker(): Promise<void> {
    const ended = new Promise((resolve) => broker.once("exit", resolve));
    broker.kill("SIGKILL");
    await ended;
  }

  /** A client of anybody's. */
  async function raw(user: string, options: IClientOptions = {}): Promise<MqttClient> {
    const protocolVersion = 5;
    const login = { username: user, password: "secret", protocolVersion, reconnectPeriod: 200, ...options } as const;
    const one = mqtt.connect(`mqtt://127.0.0.1:${port}`, login);
    one.on("error", () => undefined);
    raws.push(one);
    await new Promise<void>((resolve) => one.once("connect", () => resolve()));
    return one;
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "ioe-gateway-"));
    chmodSync(folder, 0o755); // the broker lays its rights down
    port = await freePorts(1);
    const file = (name: string) => join(folder, name);
    writeFileSync(file("password"), "secret\n", { mode: 0o600 });
    writeFileSync(file("users"), "keeper:secret\npi:secret\n");
    execFileSync("mosquitto_passwd", ["-U", file("users")]);
    writeFileSync(
      file("rights"),
      `user keeper\ntopic readwrite #\n\nuser pi\ntopic write ${topics.readings}\ntopic write ${topics.telemetry}\n` +
        `topic write tight/v1/readings\ntopic read ${topics.state}\ntopic read tight/v1/state\n\n` +
        `pattern read ${topics.answers}%c\npattern read tight/v1/answers/%c\n`,
    );
    writeFileSync(
      file("mosquitto.conf"),
      `listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${file("users")}\nacl_file ${file("rights")}\n`,
    );
    for (const name of ["users", "rights"]) chmodSync(file(name), 0o644);
    await startBroker();

    connection = await network.create({ override: { allowBlocksWithSameTimestamp: true } });
    const transport = custom(connection.provider as unknown as EIP1193Provider, { retryCount: 0 });
    client = createPublicClient({ cacheTime: 0, transport });
    deployment = await deployLocalZone(connection, "http://127.0.0.1:1");
    const signers = await connection.ethers.getSigners();
    const operator = signers[LOCAL_ACCOUNTS.operator]!;
    const owner = signers[LOCAL_ACCOUNTS.firstHousehold]!.address as `0x${string}`;
    const purse = privateKeyToAccount(generatePrivateKey());
    await operator.sendTransaction({ to: purse.address, value: parseEther("10") });
    journal = new Journal(":memory:", worldOf(deployment));
    const { chainId } = deployment;
    const outbox = new Outbox({ client, account: purse, chainId, store: journal, clock, log, pollMs: 20 }, stop.signal);
    zone = new Zone(client, deployment, outbox);
    const { domain, slotDuration, unitsPerKWh } = await zone.constants();
    const meter = privateKeyToAccount(generatePrivateKey());
    const registry = await connection.ethers.getContractAt("MeterRegistry", deployment.contracts.MeterRegistry);
    const possession = await signPossession(meter, domain, owner);
    await registry.connect(operator).register(owner, 6, 8_000, 1, meter.address, possession);
    key = new MeterKey(meter, domain);
    const chain = new RegistryOnChain({ client, zone, deployment, domain });
    const inbox = new Inbox({ chain, clock, log, slotDuration, unitsPerKWh });
    void inbox.run(stop.signal);
    desk = new Desk({ inbox, clock, log });
  });

  beforeEach(() => {
    door = openDoor();
    gateway = new MqttGateway(as("pi"));
  });

  afterEach(async () => {
    gateway.stop();
    await door.stop();
    await Promise.all(raws.splice(0).map((one) => one.endAsync(true)));
  });

  after(async () => {
    stop.abort();
    broker?.kill("SIGKILL");
    journal?.close();
    await connection?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** The meter's next reading, as of a moment ago. */
  async function next(): Promise<SignedReading> {
    await connection.provider.request({ method: "evm_mine" });
    const since = last.takenAt;
    const takenAt = Math.max(since + 1, Number((await client.getBlock()).timestamp) - 1);
    last = { takenAt, exported: last.exported + 1n };
    const reading = { meterId: 1, epoch: 0, since, imported: 0n, ...last };
    return { ...reading, signature: await key.reading(reading) };
  }

  const hand = async (...readings: SignedReading[]) => {
    const { status, text } = await gateway.ask("readings", encodeReadings(readings), PATIENCE_MS);
    return { status, ...answersBody.parse(JSON.parse(text)) };
  };

  /** Handed in again until it is on chain. */
  const arrives = (reading: SignedReading) =>
    until(
      "the reading on chain",
      async () => {
        await hand(reading).catch(() => undefined);
        return (await zone.meter(1)).lastTakenAt === reading.takenAt;
      },
      30,
    );

  async function telemetry(takenAt: number, powerW = 1_234): Promise<string> {
    const figures = { meterId: 1, epoch: 0, takenAt, powerW, imported: 0n, exported: 5n };
    const signature = await key.telemetry(figures);
    return JSON.stringify({ telemetry: { ...figures, imported: "0", exported: "5" }, signature, relays: {} });
  }

  it("answers a reading with the transaction that brought it to the chain", async () => {
    const reading = await next();
    const { status, results } = await hand(reading);
    expect(status).to.equal(200);
    expect(results[0]).to.include({ meterId: 1, takenAt: reading.takenAt, status: "on-chain" });
    const hash = results[0]!.transaction as `0x${string}`;
    expect((await client.getTransactionReceipt({ hash })).status).to.equal("success");
    expect((await zone.meter(1)).lastTakenAt).to.equal(reading.takenAt);
  });

  it("takes a reading once, however often a broker or a stranger repeats it", async () => {
    const reading = await next();
    const both = await Promise.all([hand(reading), hand(reading)]);
    expect(new Set(both.map(({ results }) => results[0]!.transaction)).size).to.equal(1);
    const height = await client.getBlockNumber();
    expect((await hand(reading)).results[0]!.status).to.equal("known");
    expect(await client.getBlockNumber()).to.equal(height);
  });

  it("refuses what the other door refuses, in the same words", async () => {
    const reading = await next();
    const forged = { ...reading, exported: reading.exported + 1n };
    expect((await hand(forged)).results[0]!.reason).to.equal("the signature is not of the meter's key of that epoch");
    for (const [text, status, error] of [
      ["{", 400, /not JSON/],
      ['{"readings":[]}', 400, /^readings: /],
      ["x".repeat(LARGEST_BODY + 1), 413, /32768 bytes at most/],
    ] as const) {
      const answer = await gateway.ask("readings", text, PATIENCE_MS);
      expect(answer.status).to.equal(status);
      expect((JSON.parse(answer.text) as { error: string }).error).to.match(error);
    }
    expect((await hand(reading)).results[0]!.status).to.equal("on-chain");
  });

  it("writes its answers nowhere else than to its own answers, whatever a stranger asks for", async () => {
    const house = await raw("keeper");
    const heard: string[] = [];
    house.on("message", (topic) => heard.push(topic));
    await house.subscribeAsync([RELAY, "#"]);
    const stranger = await raw("pi");
    for (const responseTopic of [RELAY, `${topics.answers}../${RELAY}`.replace("../", "+/")])
      await stranger
        .publishAsync(topics.readings, "{", { qos: 1, properties: { responseTopic } })
        .catch(() => undefined); // a broker may refuse a pattern itself
    await hand(await next());
    expect(heard).to.include(topics.readings);
    expect(heard).not.to.include(RELAY);
  });

  it("relays what a client without response topic sends (MQTT 3.1.1), and ignores what was retained", async () => {
    const old = await raw("pi", { protocolVersion: 4 });
    const reading = await next();
    await old.publishAsync(topics.readings, encodeReadings([reading]), { qos: 1 });
    await until("the reading on chain", async () => (await zone.meter(1)).lastTakenAt === reading.takenAt, 20);

    const kept = await next();
    await door.stop();
    const keeper = await raw("keeper");
    await keeper.publishAsync(topics.readings, encodeReadings([kept]), { qos: 1, retain: true });
    door = openDoor();
    const after = await rejection(
      hand({ ...kept, takenAt: kept.takenAt + 1, since: kept.takenAt }).then(({ results }) => {
        if (results[0]!.status === "refused") throw new Error(results[0]!.reason);
      }),
    );
    expect(after.message).to.match(/send those in between first/);
    await keeper.publishAsync(topics.readings, "", { qos: 1, retain: true });
    expect((await hand(kept)).results[0]!.status).to.equal("on-chain");
  });

  it("shows live figures that came this way, once, and none that somebody has kept for later", async () => {
    const events: string[] = [];
    const listening = desk.listen(1, (text) => events.push(text));
    const now = Math.floor(Date.now() / 1_000);
    const fresh = await telemetry(now);
    expect(await gateway.ask("telemetry", fresh, PATIENCE_MS)).to.include({ status: 204 });
    await until("the event", () => Promise.resolve(events.length > 0), 10);

    const stranger = await raw("pi");
    const responseTopic = `${topics.answers}${stranger.options.clientId}`;
    await stranger.subscribeAsync(responseTopic);
    const answers: unknown[] = [];
    stranger.on("message", (_topic, payload) => answers.push(JSON.parse(payload.toString("utf8"))));
    for (const text of [fresh, await telemetry(now - 3_600)])
      await stranger.publishAsync(topics.telemetry, text, { qos: 1, properties: { responseTopic } });
    await until("both refusals", () => Promise.resolve(answers.length === 2), 10);
    expect(answers.map((answer) => (answer as { status: number }).status)).to.deep.equal([409, 409]);
    expect(events).to.have.length(1);
    listening.stop();
  });

  it("answers 429 to more than its share, and goes on afterwards", async () => {
    const tight = openDoor("tight", 1);
    const near = new MqttGateway({ ...as("pi"), topic: "tight" });
    const answers = await Promise.all(Array.from({ length: 14 }, () => near.ask("readings", "{", PATIENCE_MS)));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect(count(400)).to.be.at.least(10);
    expect(count(429)).to.be.at.least(1);
    expect(count(400) + count(429)).to.equal(14);
    near.stop();
    await tight.stop();
  });

  it("says at once when the gateway is not there; the courier takes the next one, and comes back", async () => {
    await hand(await next());
    await door.stop();
    const absent = await rejection(gateway.ask("readings", "{", PATIENCE_MS));
    expect(absent.message).to.match(/the gateway is offline/);

    const second = openDoor("tight");
    const other = new MqttGateway({ ...as("pi"), topic: "tight" });
    const courier = new Courier({ gateways: [gateway, other], post: undefined, slotDuration: 60, clock, log });
    const reading = await next();
    expect(await courier.report([reading])).to.deep.equal({ status: "handed" });
    expect(courier.gateway).to.equal(other);
    expect((await zone.meter(1)).lastTakenAt).to.equal(reading.takenAt);
    other.stop();
    await second.stop();

    door = openDoor();
    await arrives(await next());
  });

  it("gives up on an answer at once when the gateway leaves", async () => {
    const mute = await raw("keeper");
    const { state } = topicsOf("tight");
    await mute.publishAsync(state, "online", { qos: 1, retain: true });
    const near = new MqttGateway({ ...as("pi"), topic: "tight" });
    await near.probe(PATIENCE_MS);
    const asked = rejection(near.ask("readings", "{", PATIENCE_MS));
    const since = performance.now();
    await mute.publishAsync(state, "offline", { qos: 1, retain: true });
    expect((await asked).message).to.match(/the gateway is offline/);
    expect(performance.now() - since).to.be.below(PATIENCE_MS / 3);
    near.stop();
  });

  it("outlives its broker", async () => {
    await hand(await next());
    await stopBroker();
    const gone = await rejection(gateway.ask("readings", "{", PATIENCE_MS));
    expect(gone.message).to.match(/the broker /);
    await startBroker();
    await arrives(await next());
  });

  it("a wrong password is named as such", async () => {
    writeFileSync(join(folder, "wrong"), "guess\n", { mode: 0o600 });
    const stranger = new MqttGateway({ ...as("pi"), passwordFile: join(folder, "wrong") });
    const refused = await rejection(stranger.probe(3_000));
    expect(refused.message).to.match(/does not let user pi in; check user, passwordFile/);
    stranger.stop();
  });
});
