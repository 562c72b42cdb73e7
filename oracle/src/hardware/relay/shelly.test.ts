import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { createRelay, relayDriverSchema } from "../index.ts";
import { rejection } from "../testing/bare-server.ts";
import { type HttpDevice, httpDevice } from "../testing/http-device.ts";
import { DeviceError, type RelayDriver } from "../types.ts";

/** A relay as the documentation describes it, with a real off-timer. */
class Shelly {
  on = false;
  afterPowerLoss = "off";
  /** The firmware ignores timers. */
  timerless = false;
  welded = false;
  /** Every request that switches on is answered late. */
  slowMs = 0;
  hangs = false;
  #timer: NodeJS.Timeout | undefined;
  timerS: number | undefined;

  async answer(url: URL): Promise<object | number | undefined> {
    if (this.hangs) return undefined;
    const { pathname, searchParams: query } = url;
    const turn = query.get("turn") ?? { true: "on", false: "off" }[query.get("on") ?? ""];
    if (turn === "on" && this.slowMs > 0) await delay(this.slowMs);
    if (turn) this.switch(turn === "on", Number(query.get("timer") ?? query.get("toggle_after") ?? 0));
    switch (pathname) {
      case "/relay/0":
        return {
          ison: this.on,
          has_timer: this.timerS !== undefined,
          timer_remaining: this.timerS ?? 0,
          source: "http",
        };
      case "/settings/relay/0":
        return { default_state: this.afterPowerLoss };
      case "/rpc/Switch.GetConfig":
        return { id: 0, initial_state: this.afterPowerLoss };
      case "/rpc/Switch.Set":
        return { was_on: true };
      case "/rpc/Switch.GetStatus":
        return { id: 0, output: this.on, ...(this.timerS && { timer_started_at: 1.5, timer_duration: this.timerS }) };
      default:
        return 404;
    }
  }

  switch(on: boolean, timerS: number): void {
    clearTimeout(this.#timer);
    this.timerS = undefined;
    if (on || !this.welded) this.on = on;
    if (!on || timerS === 0 || this.timerless) return;
    this.timerS = timerS;
    this.#timer = setTimeout(() => this.switch(false, 0), timerS * 1_000);
  }
}

for (const generation of [1, 2]) {
  describe(`Shelly relay over HTTP, generation ${generation}`, () => {
    let shelly: Shelly;
    let server: HttpDevice;
    let relay: RelayDriver;

    beforeEach(async () => {
      shelly = new Shelly();
      server = await httpDevice((url) => shelly.answer(url));
      const config = {
        driver: "shelly",
        host: "127.0.0.1",
        port: server.port,
        generation,
        timeoutMs: 700,
        settleMs: 100,
      };
      relay = createRelay(relayDriverSchema.parse(config), { name: "K1" });
    });
    afterEach(async () => {
      shelly.hangs = shelly.welded = false;
      await relay.dispose().catch(() => undefined);
      await server.close();
    });

    const switchingOn = () => server.requests.filter((path) => /turn=on|on=true/.test(path));

    it("arms the off-timer with the very request that switches on, and with every renewal", async () => {
      await relay.close(6_900);
      await relay.close(3_000);
      expect(await relay.state()).to.equal("closed");
      expect(switchingOn()).to.deep.equal(
        generation === 1
          ? ["/relay/0?turn=on&timer=6", "/relay/0?turn=on&timer=3"]
          : ["/rpc/Switch.Set?id=0&on=true&toggle_after=6", "/rpc/Switch.Set?id=0&on=true&toggle_after=3"],
      );
      await relay.open();
      expect(shelly.on).to.equal(false);
      expect(await relay.state()).to.equal("open");
    });

    it("is opened by the device itself when nobody renews it", async () => {
      await relay.close(1_000);
      await delay(1_200);
      expect(await relay.state()).to.equal("open");
    });

    it("does not use a device that would close by itself after a loss of power", async () => {
      shelly.afterPowerLoss = "restore_last";
      const error = await rejection(relay.close(6_000));
      expect(error).to.be.instanceOf(DeviceError);
      expect(error.message).to.match(/set to "restore_last" after a loss of power .* set it to off: http/);
      expect(switchingOn()).to.deep.equal([]);
      shelly.afterPowerLoss = "off";
      await relay.close(6_000);
    });

    it("opens a device again that switches on without a timer", async () => {
      shelly.timerless = true;
      expect((await rejection(relay.close(6_000))).message).to.match(/without its off-timer; update/);
      expect(shelly.on).to.equal(false);
    });

    it("is open in the end when it is opened while the device is slow to close", async () => {
      await relay.close(2_000);
      await relay.open();
      shelly.slowMs = 500;
      const closing = rejection(relay.close(6_000));
      await delay(20);
      await relay.open();
      expect((await closing).message).to.match(/was opened while it was being closed/);
      await delay(100);
      expect(shelly.on).to.equal(false);
    });

    it("reports a welded contact", async () => {
      await relay.close(6_000);
      shelly.welded = true;
      expect((await rejection(relay.open())).message).to.match(/still reads closed .* may be welded/);
    });

    it("says that it neither closes nor opens for certain when the device hangs", async () => {
      await relay.close(6_000);
      shelly.hangs = true;
      expect((await rejection(relay.close(6_000))).message).to.match(/neither closes nor opens for certain; its timer/);
    });

    it("takes only leases that the timer can hold", async () => {
      expect(relay.caps).to.deep.equal({ guarded: true, maxLeaseMs: 3_600_000 });
      for (const leaseMs of [999, 3_600_001, NaN])
        expect((await rejection(relay.close(leaseMs))).message).to.match(/not within 1000 to 3600000 ms/);
      expect(server.requests).to.deep.equal([]);
    });
  });
}
