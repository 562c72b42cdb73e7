import { execFile } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { type BareServer, bareModbusServer } from "../../oracle/src/hardware/testing/bare-server.ts";
import { encode } from "../../oracle/src/hardware/meter/register.ts";
import { householdDir } from "../../tools/world.ts";
import { until, World } from "./world.ts";

interface Row {
  since: number;
  imported: number;
}

describe("a meter that is replaced", () => {
  let world: World;
  let device: BareServer;
  /** What the meter shows, Wh. */
  let importedWh = 5_000;

  before(async () => {
    world = await World.start(2);
    device = await bareModbusServer({
      getHoldingRegister: (address: number) => {
        const bytes = encode("float64", { num: BigInt(importedWh), den: 1n });
        return address >= 801 && address < 805 ? bytes.readUInt16BE(2 * (address - 801)) : 0;
      },
    });
    await world.configure(1, (config) => {
      config.meter = { ...(config.meter as object), host: "127.0.0.1", port: device.port };
    });
  });

  after(async () => {
    await world?.stop();
    await device?.close();
  });

  const replace = () =>
    new Promise<{ code: number; out: string; err: string }>((done) => {
      const config = join(householdDir(world.dir, 1), "ioe.yaml");
      const args = ["oracle/bin/ioe.mjs", "meter", "replace", "--config", config];
      execFile(process.execPath, args, (error, out, err) => done({ code: error ? Number(error.code) : 0, out, err }));
    });
  const readings = () => {
    const journal = new DatabaseSync(join(householdDir(world.dir, 1), "journal.sqlite"), { readOnly: true });
    const rows = journal.prepare("SELECT since, imported FROM readings ORDER BY taken_at, since").all();
    journal.close();
    return rows as unknown as Row[];
  };

  it("is not believed until somebody says so; then its registers go on from the last reading", async () => {
    await world.startOracle(1);
    await until("the first reading", () => Promise.resolve(world.logged(1, "readings.restart").length > 0));
    await world.stopOracle(1);
    const before = readings();

    importedWh = 100;
    await world.startOracle(1);
    await until("a doubt", () => Promise.resolve(world.logged(1, "meter.implausible").length > 0));
    expect(String(world.logged(1, "meter.implausible")[0]!.reason)).to.match(
      /imported went back from 5000 to 100; if the meter was replaced or reset, stop the oracle and run: ioe meter replace/,
    );
    expect(await replace()).to.include({ code: 1 });
    await world.stopOracle(1);
    expect(readings(), "nothing was booked").to.deep.equal(before);

    const { out, code, err } = await replace();
    expect({ code, err }).to.deep.equal({ code: 0, err: "" });
    expect(out).to.match(/it shows +imported 0\.1 kWh.*\nand counts on at imported 5 kWh/);

    await world.startOracle(1);
    await until("the chain to restart", () => Promise.resolve(world.logged(1, "readings.restart").length > 1));
    expect(world.logged(1, "readings.restart").at(-1)!.reason).to.equal("the meter was replaced");
    await world.stopOracle(1);
    const last = readings().find(({ imported, since }, i) => i >= before.length && imported === 5_000 && since === 0);
    expect(last, "a new baseline at the old register").to.not.equal(undefined);
  });
});
