import { mock } from "node:test";
import { expect } from "chai";
import { createClient, custom } from "viem";
import { hardhat } from "viem/chains";
import { watchHead } from "./head.ts";
import type { Zone } from "./zone.ts";

describe("the watch over the chain's head", () => {
  let looks: number;
  let stop: () => void;

  /** Watches with a page that nobody looks at. */
  function watchUnseen(): ReturnType<typeof watchHead> {
    const ears = { addEventListener: () => undefined, removeEventListener: () => undefined };
    Object.defineProperty(globalThis, "document", { value: { hidden: true, ...ears }, configurable: true });
    mock.timers.enable({ apis: ["setTimeout"] });
    looks = 0;
    const request = () =>
      Promise.resolve({ number: `0x${(++looks).toString(16)}`, timestamp: "0x1", transactions: [] });
    const client = createClient({ chain: hardhat, transport: custom({ request }), pollingInterval: 1_000 });
    const first = { number: 0n, timestamp: 0, receivedAt: 0, lostSince: undefined };
    const watch = watchHead({ client } as Pick<Zone, "client"> as Zone, first, () => undefined);
    stop = () => watch.stop();
    return watch;
  }

  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      mock.timers.tick(1_000);
      await new Promise(setImmediate);
    }
  }

  afterEach(() => {
    stop();
    mock.timers.reset();
    Reflect.deleteProperty(globalThis, "document");
  });

  it("rests while nobody looks at the page", async () => {
    watchUnseen();
    await pass(60);
    expect(looks).to.equal(1);
  });
  it("goes on, more rarely, for somebody who wants to be told even then", async () => {
    watchUnseen().watchHidden(true);
    await pass(61);
    expect(looks).to.equal(5);
  });
});
