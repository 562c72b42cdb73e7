import { expect } from "chai";
import { runNode } from "../../tools/cli.ts";
import { until, World } from "../system/world.ts";
import { BUYER, openWorld, SELLER, Trade } from "./books.ts";

describe("faults of the relays", () => {
  let world: World;

  before(async () => {
    world = await World.start(2);
    for (const n of [SELLER, BUYER])
      await world.configure(n, (config) => (config.delivery = { noFlowTimeoutS: 6, silentTimeoutS: 8 }));
    await openWorld(world);
  });

  after(() => world?.stop());

  const powerW = async () => (await world.truth()).households[SELLER - 1]!.powerW;

  it("a sink's contact that does not close: no flow within the limit, both open again, nobody pays", async () => {
    await world.physics(BUYER, { jammed: { charge: true } });
    const trade = await Trade.make(world, 30n, 60);
    const ended = await world.nextLog(SELLER, "delivery.ended");
    expect(ended).to.include({ because: "no-flow" });
    expect((await trade.moves(SELLER, "discharge")).map(({ closed }) => closed)).to.deep.equal([true, false]);
    expect(await trade.moves(BUYER, "charge")).to.deep.equal([]);
    expect(await trade.expectBalanced()).to.equal(0n);
    expect(await trade.sent()).to.equal(0);
    await world.physics(BUYER, { jammed: { charge: false } });
  });

  /** What a person does who has replaced the contact. */
  async function repaired(n: number, contact: string): Promise<void> {
    await world.stopOracle(n);
    await world.physics(n, { welded: { [contact]: false } });
    const relaysOff = ["relays-off", "--config", world.configOf(n)];
    // As the service does after every end of the oracle, without a person.
    const byItself = await runNode("oracle/bin/ioe.mjs", [...relaysOff, "--keep-fault"]);
    expect(byItself.output).not.to.contain("forgotten");
    const { code, output } = await runNode("oracle/bin/ioe.mjs", relaysOff);
    expect([byItself.code, code]).to.deep.equal([0, 0]);
    expect(output).to.match(/forgotten: ContactorWelded, .*still reads closed/);
    await world.startOracle(n);
  }

  it("a sink's contact that does not open (welded): the source ends the flow, the fault is latched over restarts; paid to the unit", async () => {
    const trade = await Trade.make(world, 30n);
    await trade.flowed(3);
    const fault = world.nextLog(BUYER, "safety.fault");
    await world.physics(BUYER, { welded: { charge: true } });
    expect(await fault).to.include({ fault: "ContactorWelded", level: "error" });
    expect((await fault).reason).to.match(/still reads closed .*replace the contact, then run: ioe relays-off/);
    await until("the flow to end", async () => (await powerW()) === 0, 10);
    expect((await world.contact(BUYER, "charge")).closed).to.equal(true);
    expect((await world.contact(SELLER, "discharge")).closed).to.equal(false);
    expect(await trade.expectBalanced({ welded: BUYER })).to.equal(30n);

    await world.stopOracle(BUYER);
    await world.startOracle(BUYER);
    const next = await Trade.make(world, 30n, 60);
    expect(await world.nextLog(BUYER, "delivery.ended")).to.include({ because: "fault" });
    await repaired(BUYER, "charge");
    // Through the contact that was still welded something may have flowed: then it is paid, too.
    await next.expectBalanced();
  });

  it("a source's contact that does not open (welded): the sink ends the flow, the fault is latched; what flowed too much is unsold", async () => {
    const trade = await Trade.make(world, 30n);
    await trade.flowed(3);
    const fault = world.nextLog(SELLER, "safety.fault");
    await world.physics(SELLER, { welded: { discharge: true } });
    expect(await fault).to.include({ fault: "ContactorWelded" });
    await until("the flow to end", async () => (await powerW()) === 0, 60);
    expect((await world.contact(BUYER, "charge")).closed).to.equal(false);
    expect((await world.contact(SELLER, "discharge")).closed).to.equal(true);
    expect(await trade.sent()).to.be.within(30, 60);
    await trade.closed();
    await repaired(SELLER, "discharge");
    expect(await trade.expectBalanced()).to.equal(30n);
  });
});
