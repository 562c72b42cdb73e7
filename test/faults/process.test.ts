import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { runNode } from "../../tools/cli.ts";
import { householdDir } from "../../tools/world.ts";
import { notRun } from "../hardware/needs.ts";
import { freePorts, Line, type OracleConfig, until, World } from "../system/world.ts";
import { BUYER, openWorld, PATH, SELLER, Trade } from "./books.ts";
import { SmallDisk } from "./small-disk.ts";

/** The board counts down the lease of 5 s and its margin of 1 s; then contacts need 10 ms and a step of the world. */
const GUARD_MS = 6_020;

describe("faults of the process", () => {
  let world: World;
  let line: Line;
  let disk: SmallDisk | undefined;

  before(async () => {
    world = await World.start(2);
    line = await Line.to(world.rpcUrl);
    await world.configure(SELLER, (config) => {
      config.chain.rpcUrls = [line.url];
      config.safety = { authorityLeaseS: 8 };
    });
    await openWorld(world);
  });

  after(async () => {
    disk?.unmount();
    await world?.stop();
    await line?.close();
  });

  /** When a board heard of its oracle last, by its own clock, Unix ms. */
  async function armedAt(n: number): Promise<number> {
    return (await world.truth()).households[n - 1]!.watchdogArmedAt!;
  }

  it("two processes with one key: the second refuses and names the first, whose trade goes on undisturbed", async () => {
    const trade = await Trade.make(world, 40n);
    await trade.flowed(5);
    const dir = join(world.dir, "copy");
    await mkdir(dir);
    const config = parse(await readFile(world.configOf(SELLER), "utf8")) as OracleConfig;
    const free = await freePorts(1);
    const original = householdDir(world.dir, SELLER);
    const relays = config.relays as Record<string, { port: number }>;
    for (const relay of Object.values(relays)) relay.port = free;
    config.keys = { meter: join(original, "meter.key"), sender: join(original, "sender.key") };
    config.chain.deployment = join(world.dir, "deployment.json");
    config.journal = join(dir, "journal.sqlite");
    await writeFile(join(dir, "ioe.yaml"), stringify(config));
    const { code, output } = await runNode("oracle/bin/ioe.mjs", ["run", "--config", join(dir, "ioe.yaml")]);
    expect(code).to.equal(1);
    const named = /keys\.meter \(0x\w+\) is in use by process (\d+); stop it first \(kill \1\)/.exec(output);
    expect(named, output).not.to.equal(null);
    expect(await readFile(`/proc/${named![1]}/cmdline`, "utf8")).to.include(world.configOf(SELLER));
    expect(await trade.expectBalanced()).to.equal(40n);
    for (const [n, name] of PATH)
      expect((await trade.moves(n, name)).map(({ closed }) => closed)).to.deep.equal([true, false]);
  });

  it("killed (-9) between journal and relay: after the restart the trade is carried out, once", async () => {
    const died = world.nextLog(BUYER, "died");
    const started = world.nextLog(BUYER, "delivery.started").then(() => world.signalOracle(BUYER, "SIGKILL"));
    const trade = await Trade.make(world, 30n);
    await started;
    await died;
    await world.startOracle(BUYER);
    await trade.closed();
    expect(await trade.sent()).to.be.within(30, 34);
    // Whatever the relay had begun to do, the board or the restart opened it, and one more time it was closed.
    const closures = (await trade.moves(BUYER, "charge")).filter(({ closed }) => closed);
    expect(closures.length).to.be.within(1, 2);
    expect((await trade.moves(SELLER, "discharge")).filter(({ closed }) => closed)).to.have.length(1);
    expect(await trade.expectBalanced()).to.equal(30n);
  });

  it("both killed (-9) while energy flows: the boards open, the restart books what flowed and goes on", async () => {
    const trade = await Trade.make(world, 60n);
    await trade.flowed(12);
    world.signalOracle(SELLER, "SIGKILL");
    world.signalOracle(BUYER, "SIGKILL");
    for (const [n, name] of PATH) {
      const contact = await until("the board to open", async () => {
        const state = await world.contact(n, name);
        return !state.closed && state;
      });
      expect(contact.history.at(-1)).to.include({ cause: "watchdog" });
      expect(contact.history.at(-1)!.at - (await armedAt(n))).to.be.at.most(GUARD_MS);
    }
    const resumed = world.nextLog(SELLER, "delivery.resumed");
    await Promise.all([world.startOracle(SELLER), world.startOracle(BUYER)]);
    await resumed;
    const delivered = await trade.expectBalanced();
    expect(Number(delivered), "more than what had flowed before").to.be.above(12);
  });

  it("ended (SIGTERM) while energy flows: open within a second, and what flowed is paid without it", async () => {
    const trade = await Trade.make(world, 100n);
    await trade.flowed(15);
    const asked = Date.now();
    await world.stopOracle(SELLER, "SIGTERM");
    const [opened] = (await trade.moves(SELLER, "discharge")).filter(({ closed }) => !closed);
    expect(opened).to.include({ cause: "command" });
    expect(opened!.at - asked).to.be.below(1_000);
    const flowed = await trade.sent();
    const { delivered } = await trade.closed();
    expect(Number(delivered)).to.be.within(Math.floor(flowed) - 4, Math.ceil(flowed));
    await world.startOracle(SELLER);
    await trade.expectBalanced();
    expect(await trade.sent(), "nothing flows after the restart").to.equal(flowed);
  });

  it("stopped (SIGSTOP, a blocked event loop) while energy flows: the board opens; woken without the chain, nothing closes", async () => {
    const trade = await Trade.make(world, 60n);
    await trade.flowed(10);
    world.signalOracle(SELLER, "SIGSTOP");
    const stoppedAt = Date.now();
    const opened = await until("the board to open", async () => {
      const state = await world.contact(SELLER, "discharge");
      return !state.closed && state.history.at(-1);
    });
    expect(opened).to.include({ cause: "watchdog" });
    expect(opened.at - (await armedAt(SELLER))).to.be.at.most(GUARD_MS);
    line.cut();
    await new Promise((done) => setTimeout(done, Math.max(0, stoppedAt + 9_000 - Date.now())));
    world.signalOracle(SELLER, "SIGCONT");
    await new Promise((done) => setTimeout(done, 4_000));
    expect((await trade.moves(SELLER, "discharge")).at(-1), "no movement since").to.deep.equal(opened);
    expect(world.logged(SELLER, "delivery.authority-expired").length).to.be.at.least(1);
    line.mend();
    await trade.expectBalanced();
  });

  it("a full disk while energy flows: relays open, the process ends and says what to do; with space again it goes on", async function () {
    disk = await SmallDisk.mount(join(world.dir, "disk"));
    if (!disk) notRun(this, "a file system of a given size needs root");
    const journal = join(disk.path, "journal.sqlite");
    await world.stopOracle(SELLER);
    await world.configure(SELLER, (config) => (config.journal = journal));
    await world.startOracle(SELLER);
    const trade = await Trade.make(world, 60n);
    await trade.flowed(8);
    const died = world.nextLog(SELLER, "died");
    await disk.fill();
    const fullAt = Date.now();

    expect((await died).text).to.match(/journal .* can no longer be written \(.*full.*\); free some space/);
    const last = (await trade.moves(SELLER, "discharge")).at(-1)!;
    expect(last).to.include({ closed: false, cause: "command" });
    // As soon as something has to be written: a block comes every second.
    expect(last.at - fullAt).to.be.below(15_000);

    await disk.empty();
    await world.startOracle(SELLER);
    await trade.expectBalanced();
  });

  it("a journal that may only be read: refuses to start and says so, relays open; then a trade made meanwhile is carried out", async function () {
    if (!disk) notRun(this, "a read-only file system needs root");
    await world.stopOracle(SELLER);
    disk.allow("read");
    const trade = await Trade.make(world, 20n);
    const refusal = await world.startOracle(SELLER).then(
      () => "started",
      (error: Error) => error.message,
    );
    expect(refusal).to.match(/no socket can be made at .* \(EROFS\); is the journal's folder there and writable\?/);
    expect(await trade.moves(SELLER, "discharge")).to.deep.equal([]);
    disk.allow("write");
    await world.startOracle(SELLER);
    expect(await trade.expectBalanced()).to.equal(20n);
  });

  it("a corrupt database: refuses with advice; moved away, it starts anew and the readings go on", async () => {
    await world.stopOracle(BUYER);
    const journal = join(householdDir(world.dir, BUYER), "journal.sqlite");
    const file = await open(journal, "r+");
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size - 4_096, 0x5a), 0, size - 4_096, 4_096);
    await file.close();
    const refusal = await world.startOracle(BUYER).then(
      () => "started",
      (error: Error) => error.message,
    );
    expect(refusal).to.match(/is damaged [\s\S]*; move it away together with its -wal file and start again/);
    await rename(journal, `${journal}.damaged`);
    await rm(`${journal}-wal`, { force: true });
    await world.startOracle(BUYER);
    const trade = await Trade.make(world, 30n);
    expect(await trade.expectBalanced()).to.equal(30n);
  });
});
