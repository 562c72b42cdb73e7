import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import type { SignedReading } from "../metering/index.ts";
import { HttpGateway } from "./client.ts";
import { Courier } from "./courier.ts";

type Behaviour = (readings: { meterId: number; takenAt: number }[]) => { status: number; body: unknown };

const takes: Behaviour = (readings) => ({
  status: 200,
  body: {
    results: readings.map(({ meterId, takenAt }) => ({ meterId, takenAt, status: "on-chain", transaction: "0xab" })),
  },
});

/** A gateway that behaves as it is told. */
class Gateway {
  readonly received: number[] = [];
  behaves: Behaviour = takes;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const { readings } = JSON.parse(text) as { readings: { meterId: number; takenAt: number }[] };
        this.received.push(readings.at(-1)!.takenAt);
        const { status, body } = this.behaves(readings);
        response.writeHead(status).end(JSON.stringify(body));
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

function reading(takenAt: number): SignedReading {
  return { meterId: 1, epoch: 0, since: takenAt - 60, takenAt, imported: 0n, exported: 5n, signature: "0x01" };
}

describe("the way of readings to the chain", () => {
  let clock: ManualClock;
  let gateways: Gateway[];
  let posted: number[];

  beforeEach(async () => {
    clock = new ManualClock();
    gateways = [await new Gateway().start(), await new Gateway().start()];
    posted = [];
  });

  afterEach(() => Promise.all(gateways.map((gateway) => gateway.stop())));

  function courier(funded: boolean): Courier {
    return new Courier({
      gateways: gateways.map(({ url }) => new HttpGateway(url)),
      post: funded
        ? (readings) => {
            posted.push(readings.at(-1)!.takenAt);
            return Promise.resolve({ status: "mined" });
          }
        : undefined,
      slotDuration: 60,
      clock,
      log: createLogger({ level: "error" }),
    });
  }

  it("is the first gateway as long as its readings arrive", async () => {
    const way = courier(true);
    for (const takenAt of [60, 120, 180]) {
      expect(await way.report([reading(takenAt)])).to.deep.equal({ status: "handed" });
      await clock.advance(60_000);
    }
    expect(gateways.map(({ received }) => received)).to.deep.equal([[60, 120, 180], []]);
    expect(posted).to.deep.equal([]);
  });

  it("does not press the same readings on a gateway with every block", async () => {
    const way = courier(false);
    await way.report([reading(60)]);
    await clock.advance(1_000);
    await way.report([reading(60)]);
    expect(gateways[0]!.received).to.deep.equal([60]);
    await clock.advance(5_000);
    await way.report([reading(60)]);
    expect(gateways[0]!.received).to.deep.equal([60, 60]);
  });

  it("changes at once when a gateway refuses or does not answer", async () => {
    gateways[0]!.behaves = () => ({ status: 503, body: { error: "no node" } });
    const way = courier(true);
    await way.report([reading(60)]);
    expect(gateways[1]!.received).to.deep.equal([60]);
    await gateways[1]!.stop();
    await clock.advance(60_000);
    await way.report([reading(120)]);
    expect(posted).to.deep.equal([120]);
  });

  it("changes when a gateway says it has delivered what is not on chain after two slots, then posts itself", async () => {
    const way = courier(true);
    const used: (string | undefined)[] = [];
    for (let seconds = 0; seconds <= 260; seconds += 10) {
      await way.report([reading(60)]);
      used.push(way.gateway?.name);
      await clock.advance(10_000);
    }
    expect(used.indexOf(gateways[1]!.url)).to.equal(13);
    expect(posted).to.deep.equal([60]);
  });

  it("without money of its own it goes round among the gateways, and says why none takes the readings", async () => {
    for (const gateway of gateways) gateway.behaves = () => ({ status: 429, body: { error: "too many" } });
    const way = courier(false);
    let message = "";
    await way.report([reading(60)]).catch((error: unknown) => (message = (error as Error).message));
    expect(message).to.match(/no gateway takes the readings \(.*answered 429.*; .*answered 429/);
    gateways[0]!.behaves = takes;
    expect(await way.report([reading(60)])).to.deep.equal({ status: "handed" });
  });

  it("believes no answer that is not one", async () => {
    gateways[0]!.behaves = () => ({ status: 200, body: { results: "fine" } });
    gateways[1]!.behaves = ([first]) => ({
      status: 200,
      body: { results: [{ ...first, status: "refused", reason: "I do not like it" }] },
    });
    let message = "";
    await courier(false)
      .report([reading(60)])
      .catch((error: unknown) => (message = (error as Error).message));
    expect(message).to.match(/refused the reading of 60: I do not like it/);
    expect(posted).to.deep.equal([]);
  });
});
