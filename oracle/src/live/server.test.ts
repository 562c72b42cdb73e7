import { connect } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type LiveEvent, TYPES, type Telemetry, registryDomain } from "@ioe/protocol";
import { expect } from "chai";
import { verifyTypedData } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { ManualClock, systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { MeterKey } from "../metering/index.ts";
import { LiveServer, type LiveSource } from "./server.ts";

const ZERO = `0x${"0".repeat(40)}` as const;
const domain = registryDomain(31_337, ZERO, `0x${"7".repeat(64)}`);
const account = privateKeyToAccount(generatePrivateKey());
const ORIGIN = "http://127.0.0.1:5173";

describe("live telemetry", () => {
  const options = {
    host: "127.0.0.1",
    port: 0,
    allowOrigins: [ORIGIN],
    clock: systemClock,
    log: createLogger({ write: () => undefined }),
  };
  let server: LiveServer;
  let source: LiveSource;
  let url: string;
  let telemetry: Telemetry | undefined;
  let troubles: string[];
  let signatures: number;

  beforeEach(async () => {
    telemetry = {
      meterId: 1,
      epoch: 2,
      takenAt: 1_700_000_000,
      powerW: -250,
      imported: 5n,
      exported: 9_007_199_254_740_993n,
    };
    troubles = [];
    signatures = 0;
    const key = new MeterKey(account, domain);
    source = {
      meterId: 1,
      telemetry: () => telemetry,
      sign: (message) => (signatures++, key.telemetry(message)),
      relays: () => ({ charge: "closed", discharge: "open" }),
      deliveryId: () => 12n,
      battery: () => ({ stateOfCharge: 625, capacityWh: 10_000 }),
      status: () => ({ meter: { id: 1 }, moved: 7n }),
      troubles: () => troubles,
    };
    server = new LiveServer({ ...options, source });
    url = `http://127.0.0.1:${await server.start()}`;
  });

  afterEach(() => server.stop());

  async function firstEvent(response: Response): Promise<LiveEvent> {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended: ${text}`);
      text += value;
      const data = /^data: (.*)$/m.exec(text)?.[1];
      if (data) {
        await reader.cancel();
        return JSON.parse(data) as LiveEvent;
      }
    }
  }

  it("is signed by the meter's key, to be verified by anybody", async () => {
    const {
      telemetry: shown,
      signature,
      relays,
      deliveryId,
      battery,
    } = await firstEvent(await fetch(`${url}/v1/meters/1/live`));
    const message = { ...shown, imported: BigInt(shown.imported), exported: BigInt(shown.exported) };
    expect(message).to.deep.equal(telemetry);
    expect(
      await verifyTypedData({
        address: account.address,
        domain,
        types: TYPES,
        primaryType: "Telemetry",
        message,
        signature,
      }),
    ).to.equal(true);
    expect(relays).to.deep.equal({ charge: "closed", discharge: "open" });
    expect(deliveryId).to.equal("12");
    expect(battery, "unsigned").to.deep.equal({ stateOfCharge: 625, capacityWh: 10_000 });
  });

  it("signs once a second for all listeners, and not at all without one", async () => {
    expect(signatures).to.equal(0);
    const streams = await Promise.all([1, 2, 3].map(() => fetch(`${url}/v1/meters/1/live`)));
    await systemClock.sleep(1_500);
    expect(signatures).to.be.within(1, 3);
    await Promise.all(streams.map((stream) => stream.body!.cancel()));
    await systemClock.sleep(1_100);
    const afterwards = signatures;
    await systemClock.sleep(1_100);
    expect(signatures).to.equal(afterwards);
  }).timeout(60_000);

  it("shows no figures while there is no fresh sample", async () => {
    telemetry = undefined;
    const response = await fetch(`${url}/v1/meters/1/live`);
    const reader = response.body!.getReader();
    let text = "";
    while (!text.includes("no fresh sample")) text += Buffer.from((await reader.read()).value).toString();
    expect(text).to.not.contain("data:");
    await reader.cancel();
  });

  it("lets go of a listener that never reads, and so has nothing left to sign", async () => {
    await server.stop();
    const clock = new ManualClock();
    let asked = 0;
    // Far more than what the system keeps for a connection.
    const relays = { ["x".repeat(2 ** 20)]: "open" } as const;
    const slow = { ...source, sign: () => Promise.resolve("0x" as const), relays: () => (asked++, relays) };
    server = new LiveServer({ ...options, clock, source: slow });
    const socket = connect(await server.start(), "127.0.0.1").on("error", () => undefined);
    try {
      socket.pause().write("GET /v1/meters/1/live HTTP/1.1\r\nhost: localhost\r\n\r\n");
      while (asked === 0) await nextTurn();
      for (let second = 0; second < 64; second++) await clock.advance(1_000);
      const before = asked;
      await clock.advance(5_000);
      expect(asked).to.equal(before);
    } finally {
      socket.destroy();
    }
  });

  it("lets listed origins read, and no others", async () => {
    const allowed = async (origin: string) =>
      (await fetch(`${url}/v1/status`, { headers: { origin } })).headers.get("access-control-allow-origin");
    expect(await allowed(ORIGIN)).to.equal(ORIGIN);
    expect(await allowed("http://evil.example")).to.equal(null);
  });

  it("tells its health", async () => {
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    troubles = ["the meter gives no samples"];
    const response = await fetch(`${url}/healthz`);
    expect(response.status).to.equal(503);
    expect(await response.json()).to.deep.equal({ ok: false, troubles });
  });

  it("shows the status with big integers as text", async () => {
    expect(await (await fetch(`${url}/v1/status`)).json()).to.deep.equal({ meter: { id: 1 }, moved: "7" });
  });

  it("answers what it does not know with what it knows", async () => {
    expect((await fetch(`${url}/v1/meters/2/live`)).status).to.equal(404);
    expect((await fetch(`${url}/nothing`)).status).to.equal(404);
    expect((await fetch(`${url}/v1/status`, { method: "POST" })).status).to.equal(405);
  });

  it("says that its port is taken", async () => {
    const port = Number(new URL(url).port);
    const second = new LiveServer({ ...options, port, source });
    const error: unknown = await second.start().catch((reason: unknown) => reason);
    expect((error as Error).message).to.match(/live\.port \d+ is in use/);
  });
});
