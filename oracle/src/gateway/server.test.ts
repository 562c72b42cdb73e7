import { connect } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { Desk } from "./desk.ts";
import { Inbox, type InboxChain } from "./inbox.ts";
import { GatewayServer } from "./server.ts";
import { LARGEST_BODY } from "./wire.ts";

const BURST = 10;
const unreachable = () => Promise.reject(new Error("no node answers"));
const chain: InboxChain = {
  meter: unreachable,
  signed: unreachable,
  signedTelemetry: unreachable,
  report: unreachable,
  head: unreachable,
};

describe("the gateway's door for HTTP", () => {
  let clock: ManualClock;
  let desk: Desk;
  let server: GatewayServer;
  let url: string;

  async function start(trustedProxies: string[]): Promise<void> {
    clock = new ManualClock();
    const log = createLogger({ write: () => undefined });
    const inbox = new Inbox({ chain, clock, log, slotDuration: 60, unitsPerKWh: 1_000n });
    desk = new Desk({ inbox, clock, log });
    const where = { host: "127.0.0.1", port: 0, allowOrigins: [] };
    server = new GatewayServer({ ...where, requestsPerSecond: BURST / 10, trustedProxies, desk, clock });
    url = `http://127.0.0.1:${await server.start()}`;
  }

  afterEach(() => server.stop());

  const ask = async (client: string) =>
    (await fetch(`${url}/healthz`, { headers: { "x-forwarded-for": client } })).status;
  const askOften = async (client: string, times: number) => {
    for (let i = 0; i < times; i++) await ask(client);
  };

  it("gives everybody behind a trusted proxy a limit of their own", async () => {
    await start(["127.0.0.0/8"]);
    await askOften("198.51.100.1", BURST);
    expect(await ask("198.51.100.1")).to.equal(429);
    expect(await ask("192.0.2.7, 198.51.100.1"), "an address he made up").to.equal(429);
    expect(await ask("198.51.100.2")).to.equal(200);
    await clock.advance(1_000);
    expect(await ask("198.51.100.1")).to.equal(200);
  });

  it("lets nobody else choose whose limit he uses up", async () => {
    await start([]);
    for (let i = 0; i < BURST; i++) await ask(`198.51.100.${i}`);
    expect(await ask("198.51.100.99")).to.equal(429);
  });

  it("lets go of a listener that never reads", async () => {
    await start([]);
    let send: ((text: string) => void) | undefined;
    let gone = false;
    desk.listen = (_meterId, listener) => {
      send = listener;
      return { stop: () => (gone = true) };
    };
    const socket = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined);
    try {
      socket.pause().write("GET /v1/meters/1/live HTTP/1.1\r\nhost: localhost\r\n\r\n");
      while (!send) await nextTurn();
      // Far more than what the system keeps for a connection.
      for (let sent = 0; sent < 64 && !gone; sent++) {
        send(`data: ${"x".repeat(2 ** 20)}\n\n`);
        await nextTurn();
      }
      expect(gone).to.equal(true);
    } finally {
      socket.destroy();
    }
  });

  it("lets no address take more than its share of the listeners", async () => {
    await start(["127.0.0.0/8"]);
    const open: AbortController[] = [];
    const listen = async (client: string) => {
      const stop = new AbortController();
      const headers = { "x-forwarded-for": client };
      const response = await fetch(`${url}/v1/meters/1/live`, { headers, signal: stop.signal });
      if (response.status === 200) open.push(stop);
      else expect(await response.text()).to.match(/more than 20 listeners at this address/);
      return response.status;
    };
    try {
      for (let i = 0; i < 20; i++) {
        await clock.advance(1_000);
        expect(await listen("198.51.100.1")).to.equal(200);
      }
      await clock.advance(10_000);
      expect(await listen("198.51.100.1")).to.equal(429);
      expect(await listen("198.51.100.2")).to.equal(200);
      open.shift()!.abort();
      let status = 429;
      for (let i = 0; i < 100 && status !== 200; i++) {
        await clock.advance(1_000);
        status = await listen("198.51.100.1");
      }
      expect(status, "once one of them is gone").to.equal(200);
    } finally {
      for (const stop of open) stop.abort();
    }
  });

  it("takes no live figures that somebody has kept for later, nor any of the future", async () => {
    await start([]);
    const now = Math.floor(clock.unixMs() / 1_000);
    for (const [takenAt, status] of [
      [now - 31, 409],
      [now + 31, 409],
      [now - 30, 503], // its signature is looked at
    ] as const) {
      const telemetry = { meterId: 1, epoch: 0, takenAt, powerW: 5, imported: "0", exported: "1" };
      const body = JSON.stringify({ telemetry, signature: `0x${"11".repeat(65)}`, relays: {} });
      expect((await fetch(`${url}/v1/telemetry`, { method: "POST", body })).status, String(takenAt)).to.equal(status);
    }
  });

  it("says what is wrong with a request, and 503 when it is not the request's fault", async () => {
    await start([]);
    const post = async (path: string, body: string) => {
      const response = await fetch(`${url}${path}`, { method: "POST", body });
      return [response.status, ((await response.json()) as { error: string }).error];
    };
    const [reading] = [{ meterId: 1, epoch: 0, since: 0, takenAt: 5, imported: "0", exported: "1" }];
    const signed = JSON.stringify({ readings: [{ ...reading, signature: `0x${"11".repeat(65)}` }] });
    for (const [path, body, status, error] of [
      ["/v1/readings", "{", 400, /^not JSON/],
      ["/v1/readings", '{"readings":[{"meterId":-1}]}', 400, /^readings\.0\.meterId: /],
      ["/v1/readings", "x".repeat(LARGEST_BODY + 1), 413, /32768 bytes at most/],
      ["/v1/elsewhere", "", 404, /\/v1\/readings/],
      ["/v1/readings", signed, 503, /no node answers/],
    ] as const) {
      const [gotStatus, gotError] = await post(path, body);
      expect(gotStatus, path).to.equal(status);
      expect(gotError).to.match(error);
    }
  });
});
