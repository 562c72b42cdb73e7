import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { recoverTypedDataAddress } from "viem";
import { costUp, paymentDown } from "../../protocol/src/price.ts";
import { type LiveEvent, registryDomain, TYPES } from "../../protocol/src/typedData.ts";
import { openWorld, Trade } from "../faults/books.ts";
import { freePorts, until, World } from "./world.ts";

const ENERGY = 40n;
const PRICE = 150_000n;
const FEE = 20_000n;

describe("Pis without gas", () => {
  let world: World;
  let gateway: string;
  let swallower: Server;
  let swallowed = 0;

  before(async () => {
    world = await World.start(2);
    const port = await freePorts(1);
    gateway = `http://127.0.0.1:${port}`;
    // Says that everything is on chain, and does nothing.
    swallower = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        if (request.url !== "/v1/readings") return response.writeHead(204).end();
        swallowed++;
        const { readings } = JSON.parse(text) as { readings: { meterId: number; takenAt: number }[] };
        const results = readings.map(({ meterId, takenAt }) => ({ meterId, takenAt, status: "on-chain" }));
        return response.writeHead(200).end(JSON.stringify({ results }));
      });
    });
    await new Promise<void>((done) => swallower.listen(0, "127.0.0.1", done));
    const liar = `http://127.0.0.1:${(swallower.address() as AddressInfo).port}`;

    await world.configureKeeper((config) => (config.gateway = { host: "127.0.0.1", port }));
    for (const n of [1, 2]) {
      await world.configure(n, (config) => {
        delete config.keys.sender;
        config.gateways = n === 1 ? [liar, gateway] : [gateway];
      });
    }
    await world.startKeeper();
    await openWorld(world, [2]);
  });

  after(async () => {
    swallower?.closeAllConnections();
    swallower?.close();
    await world?.stop();
  });

  it("leave a gateway whose readings do not arrive after two slots; nothing is lost of what flowed meanwhile", async () => {
    const { registry } = await world.contracts();
    const trade = await Trade.make(world, 60n, 90);
    await world.startOracle(1);
    await trade.flowed(3);
    await until("readings through the second gateway", async () => (await registry.meterOf(1)).lastTakenAt > 0n);
    expect(swallowed).to.be.greaterThan(0);
    // How much flows before the buyer's readings have to be there again is the source's own limit.
    expect(Number(await trade.expectBalanced())).to.be.within(3, 60);
    expect(world.logged(1, "gateway.swallows")).to.have.length(1);
  });

  it("deliver and are paid: the keeper relays, closes and pays the gas", async () => {
    const { vault } = await world.contracts();
    const [seller, buyer] = [await world.owner(2), await world.owner(1)];
    const before = { seller: await vault.free(seller), buyer: await vault.free(buyer) };
    const id = await world.buy(await world.list(2, ENERGY, PRICE), 1, ENERGY, 120);

    const live = await watch(`${gateway}/v1/meters/2/live`, ({ telemetry }) => telemetry.powerW > 1_000);
    expect(live.relays).to.deep.equal({ discharge: "closed", charge: "open" });
    expect(await signerOf(live)).to.equal(await meterKey(2));

    const delivery = await world.closed(id);
    expect(delivery.delivered).to.equal(ENERGY);
    expect((await vault.free(seller)) - before.seller).to.equal(paymentDown(ENERGY, PRICE, 1_000n));
    expect((await vault.free(buyer)) - before.buyer).to.equal(-costUp(ENERGY, PRICE + FEE, 1_000n));
    await Promise.all([world.opened(1, "charge"), world.opened(2, "discharge")]);
  });

  it("whose flow stops halfway open their relays, wait for the deadline, and are paid what flowed", async () => {
    const trade = await Trade.make(world, 200n, 75);
    await trade.flowed(10);
    await world.physics(2, { battery: { connected: false } });
    await Promise.all([world.opened(1, "charge", 90), world.opened(2, "discharge", 90)]);
    const { deadline } = await trade.closed();
    expect(await world.now(), "closed after the deadline").to.be.greaterThan(Number(deadline));
    expect(Number(await trade.expectBalanced())).to.be.within(1, 199);
    await world.physics(2, { battery: { connected: true } });
  });

  it("a stranger's figures are not shown as a meter's", async () => {
    const event = await watch(`${gateway}/v1/meters/2/live`, () => true);
    const forged = { ...event, telemetry: { ...event.telemetry, powerW: 1, takenAt: event.telemetry.takenAt + 2 } };
    const response = await fetch(`${gateway}/v1/telemetry`, { method: "POST", body: JSON.stringify(forged) });
    expect(response.status).to.equal(403);
  });

  it("what is not a reading is refused with the place that is wrong", async () => {
    const post = (body: string) => fetch(`${gateway}/v1/readings`, { method: "POST", body });
    for (const [body, status, error] of [
      ["{", 400, /not JSON/],
      [JSON.stringify({ readings: [] }), 400, /^readings: /],
      [JSON.stringify({ readings: [{ meterId: -1 }] }), 400, /^readings\.0\.meterId: /],
      ["x".repeat(40_000), 413, /32768 bytes at most/],
    ] as const) {
      const response = await post(body);
      expect(response.status).to.equal(status);
      expect(((await response.json()) as { error: string }).error).to.match(error);
    }
  });

  /** The first event that fits. */
  async function watch(url: string, fits: (event: LiveEvent) => boolean): Promise<LiveEvent> {
    const stop = AbortSignal.timeout(120_000);
    const response = await fetch(url, { signal: stop });
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split("\n\n");
      text = events.pop()!;
      for (const event of events) {
        if (!event.startsWith("data: ")) continue;
        const parsed = JSON.parse(event.slice(6)) as LiveEvent;
        if (fits(parsed)) return parsed;
      }
    }
    throw new Error("the gateway ended the stream");
  }

  async function signerOf({ telemetry, signature }: LiveEvent): Promise<string> {
    const { registry } = await world.contracts();
    const { chainId, contracts } = world.deployment;
    const salt = (await registry.eip712Domain()).salt as `0x${string}`;
    return recoverTypedDataAddress({
      domain: registryDomain(chainId, contracts.MeterRegistry, salt),
      types: TYPES,
      primaryType: "Telemetry",
      message: { ...telemetry, imported: BigInt(telemetry.imported), exported: BigInt(telemetry.exported) },
      signature,
    });
  }

  async function meterKey(meterId: number): Promise<string> {
    const { registry } = await world.contracts();
    return world.ethers.getAddress(await registry.signerOf(meterId, 0));
  }
});
