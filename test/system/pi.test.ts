import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { verifyTypedData } from "viem";
import { parseRegistration } from "../../protocol/src/registration.ts";
import { registryDomain, TYPES } from "../../protocol/src/typedData.ts";
import { householdDir } from "../../tools/world.ts";
import { until, World } from "./world.ts";

interface Result {
  code: number;
  out: string;
  err: string;
}

describe("what a Pi's owner does", () => {
  let world: World;
  before(async () => (world = await World.start(1)));
  after(() => world?.stop());

  const config = () => join(householdDir(world.dir, 1), "ioe.yaml");
  const ioe = (...args: string[]): Promise<Result> =>
    new Promise((done) => {
      execFile(process.execPath, ["oracle/bin/ioe.mjs", ...args, "--config", config()], (error, out, err) => {
        done({ code: error ? Number(error.code) : 0, out, err });
      });
    });
  const closed = async (name: "charge" | "discharge") => (await world.contact(1, name)).closed;

  it("asks the doctor, who finds chain, key and devices in order", async () => {
    const { out } = await ioe("doctor", "--json");
    const findings = JSON.parse(out) as { check: string; level: string; message: string }[];
    const level = (check: string) => findings.find((finding) => finding.check === check)?.level;
    for (const check of ["keys", "chain", "registration", "standing", "gas", "relay charge", "meter"]) {
      expect(level(check), `${check}: ${out}`).to.equal("ok");
    }
  });

  it("hears from the doctor which number the meter has", async () => {
    await world.configure(1, (file) => ((file.meter as { id: number }).id = 7));
    const { code, out } = await ioe("doctor");
    await world.configure(1, (file) => ((file.meter as { id: number }).id = 1));
    expect(code).to.equal(1);
    expect(out).to.match(/error +registration +keys\.meter belongs to meter 1, not 7\n +→ set meter\.id: 1/);
  });

  it("shows the operator a registration that the device has signed", async () => {
    const owner = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    const { out } = await ioe("keys", "qr", "--owner", owner, "--kind", "Solar", "--label", "Roof");
    const registration = parseRegistration(out.trim().split("\n").at(-1)!);
    expect(registration).to.deep.include({ chainId: 31_337, owner, kind: "Solar", maxPowerW: 8_000, label: "Roof" });
    expect(out.split("\n")[0]!.length, "fits a terminal").to.be.within(20, 80);
    const { registry } = await world.contracts();
    const { salt } = await registry.eip712Domain();
    const valid = await verifyTypedData({
      address: registration.signer,
      domain: registryDomain(31_337, registration.registry, salt as `0x${string}`),
      types: TYPES,
      primaryType: "Possession",
      message: { owner },
      signature: registration.possession,
    });
    expect(valid).to.equal(true);
  });

  it("tests a relay, which ends open: by itself, and with Ctrl-C", async () => {
    const { code, out } = await ioe("test-relay", "--relay", "discharge", "--seconds", "1", "--yes");
    expect(code).to.equal(0);
    expect(out).to.match(/^discharge open, 0 W[^\n]*\ndischarge closed, 0 W[^]*\ndischarge open\n$/);
    expect(await closed("discharge")).to.equal(false);

    const args = ["oracle/bin/ioe.mjs", "test-relay", "--config", config(), "--relay", "charge", "--seconds", "60"];
    const child = execFile(process.execPath, [...args, "--yes"]);
    const ended = new Promise<number | null>((done) => child.once("exit", done));
    await until("the contact to close", () => closed("charge"), 20);
    child.kill("SIGINT");
    expect(await ended).to.equal(1);
    expect(await closed("charge")).to.equal(false);
  });

  it("switches the relays off although one of them cannot be reached, and hears of it", async () => {
    await world.configure(1, (file) => {
      (file.relays as Record<string, unknown>).lost = { driver: "telepathy" };
    });
    const { code, out } = await ioe("relays-off");
    await world.configure(1, (file) => delete (file.relays as Record<string, unknown>).lost);
    expect(code).to.equal(1);
    expect(out)
      .to.match(/discharge: open\n/)
      .and.match(/charge: open\n/)
      .and.match(/lost: relays\.lost\.driver/);
  });

  describe("while the oracle runs", () => {
    let metrics: string;
    before(async () => {
      await world.configure(1, (file) => (file.metrics = { port: 0 }));
      await world.startOracle(1);
      metrics = `http://127.0.0.1:${String(world.logged(1, "ready")[0]?.metricsPort)}`;
    });

    it("sees it in Prometheus", async () => {
      await until("health", async () => (await fetch(`${metrics}/healthz`)).ok, 20);
      const text = await until("a block", async () => {
        const scraped = await (await fetch(`${metrics}/metrics`)).text();
        return scraped.includes("ioe_chain_head_block") && scraped;
      });
      for (const line of [
        'ioe_relay_closed{relay="charge"} 0',
        "ioe_delivery_open 0",
        "ioe_readings_rejected_total 0",
      ]) {
        expect(text).to.contain(`${line}\n`);
      }
      expect(text).to.match(/^process_resident_memory_bytes \d{8,}$/m);
      expect(text).to.match(/^ioe_meter_imported_joules_total \d+(\.\d)?$/m);
    });

    it("cannot start a second one, nor test a relay beside it", async () => {
      const second = await ioe("run");
      expect(second.code).to.equal(1);
      expect(second.err).to.match(/an oracle with this journal runs already \(process \d+\)/);
      const test = await ioe("test-relay", "--relay", "charge", "--yes");
      expect(test.code).to.equal(1);
      expect(test.err).to.match(/the oracle runs .* systemctl stop ioe/);
    });

    it("switches the relays off for good, and health says why nothing is delivered", async () => {
      const { code, out } = await ioe("relays-off");
      expect(code).to.equal(0);
      expect(out).to.match(/discharge: open\ncharge: open\nthey stay open until/);
      const response = await fetch(`${metrics}/healthz`);
      expect(response.status).to.equal(503);
      expect(await response.text()).to.contain("switched off by hand");
    });
  });
});
