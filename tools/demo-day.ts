/**
 * `npm run demo:day [-- --profiles DIR]`: a day of six homes and two PV plants at one connection point, compressed.
 *
 * Step i of the profiles is played in slot i, at true watts in short slots: a slot of 5 s stands for a step of 15 min, and
 * every energy of the day is smaller by that factor. The homes trade by a simple rule: what a meter exported or
 * imported in the last slot is what its home expects of this one. Who expects a surplus lists it at the index price;
 * who expects a need buys from the cheapest listing, the largest first. Chain, devices and oracles are the real ones.
 */
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { network } from "hardhat";
import { DEMO_ZONE, LOCAL_ACCOUNTS, type ZoneParameters } from "../deploy/zone.ts";
import { mulDivDown, mulDivUp } from "../protocol/src/price.ts";
import { endOf, nextBoundary, slotOf } from "../protocol/src/slots.ts";
import { formatDecimal, formatKWh } from "../protocol/src/units.ts";
import { die, integerOption, requireFreePort } from "./cli.ts";
import { Processes } from "./processes.ts";
import { buildWorld, householdDir, type Household } from "./world.ts";

const HOMES = 6;
/** Installed power, Wp: on the first three homes' roofs, and of the two plants. */
const ROOFS = [6_000, 5_000, 4_000];
const PLANTS = [12_000, 9_000];
const STEP_SECONDS = 900;
const STEPS_PER_DAY = 86_400 / STEP_SECONDS;
const MAX_POWER_W = 20_000;
/** Register steps of 1 mWh, as of a laboratory instrument: energies of a compressed day are small. */
const METER_MAP = "generic-float64";
const LINE_LOSS = 0.01;
/** Below this an expected energy is not worth a trade, units (mWh). */
const SMALLEST = 100n;
const RPC_PORT = 8645;
const DEVICE_PORT = 15_220;
const LIVE_PORT = 9201;

const { profiles, day, slotSeconds, fromStep, steps } = readOptions();
const zone: ZoneParameters = {
  ...DEMO_ZONE,
  slotDuration: slotSeconds,
  grace: 4 * slotSeconds,
  claimWindow: 12 * slotSeconds,
  maxDelivery: 2 * slotSeconds,
  unitsPerKWh: 1_000_000,
};
const participants = community();
const units = BigInt(zone.unitsPerKWh);
const processes = new Processes({
  onLine: (name, line) => /"level":"error"/.test(line) && console.log(`${name}: ${line}`),
  onDeath: (_name, lastWords) => die(lastWords),
});

await requireFreePort(RPC_PORT, "chain", "none: stop what uses it");
const dir = await mkdtemp(join(tmpdir(), "ioe-day-"));
try {
  await playDay();
} finally {
  await processes.endAll();
  await rm(dir, { recursive: true, force: true });
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      profiles: { type: "string" },
      day: { type: "string" },
      "slot-seconds": { type: "string" },
      "from-step": { type: "string" },
      steps: { type: "string" },
    },
  });
  const given = values.profiles === undefined ? undefined : resolve(values.profiles);
  if (given && !existsSync(given)) die(`--profiles ${given}: there is no such folder.`);
  return {
    profiles: given && { loads: csvFiles(join(given, "load"), HOMES), pv: csvFiles(join(given, "pv"), PLANTS.length) },
    day: integerOption("day", values.day, 40, 0, 10_000),
    slotSeconds: integerOption("slot-seconds", values["slot-seconds"], 5, 3, STEP_SECONDS),
    fromStep: integerOption("from-step", values["from-step"], 0, 0, STEPS_PER_DAY - 1),
    steps: integerOption("steps", values.steps, STEPS_PER_DAY, 2, STEPS_PER_DAY),
  };
}

function csvFiles(folder: string, least: number): string[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".csv")) : [];
  if (files.length < least) die(`${folder} holds ${files.length} profiles (*.csv); ${least} are needed.`);
  return files.sort().map((name) => join(folder, name));
}

// ---------------------------------------------------------------- participants

function community(): Household[] {
  const homes = Array.from({ length: HOMES }, (_, i) => {
    const peakW = ROOFS[i];
    return participant(
      `Home ${i + 1}${peakW ? ` (roof ${peakW / 1_000} kWp)` : ""}`,
      peakW ? "Prosumer" : "Load",
      profiles ? { csv: profiles.loads[i] } : { formula: "household", averageW: 300 + 60 * i },
      peakW ? solar(peakW, i) : undefined,
    );
  });
  const plants = PLANTS.map((peakW, i) =>
    participant(`PV plant ${i + 1} (${peakW / 1_000} kWp)`, "Solar", undefined, solar(peakW, i)),
  );
  return [...homes, ...plants];
}

function solar(peakW: number, i: number): object {
  return { peakW, ...(profiles ? { csv: profiles.pv[i % PLANTS.length] } : {}) };
}

/** A meter at a connection that is never switched: a delivery is what both registers show. */
function participant(
  name: string,
  kind: Household["kind"],
  load: object | undefined,
  pv: object | undefined,
): Household {
  return {
    name,
    kind,
    maxPowerW: MAX_POWER_W,
    resolution: 1,
    oracle: ({ meter }) => ({
      meter: {
        driver: "modbus",
        host: "127.0.0.1",
        port: meter,
        unit: 1,
        map: METER_MAP,
        scope: "connection",
        maxPowerW: MAX_POWER_W,
        pollMs: 250,
      },
      relays: {},
      interlocks: [],
      routes: [
        { role: "source", peers: "any", relays: [], powerW: MAX_POWER_W },
        { role: "sink", peers: "any", relays: [], powerW: MAX_POWER_W },
      ],
    }),
    physics: ({ meter }) => ({
      name,
      scope: "connection",
      meter: { port: meter, unit: 1, map: METER_MAP },
      ...(load ? { load } : {}),
      ...(pv ? { pv } : {}),
    }),
  };
}

// --------------------------------------------------------------------- the day

async function playDay(): Promise<void> {
  const factor = STEP_SECONDS / slotSeconds;
  console.log(
    `${HOMES} homes and ${PLANTS.length} PV plants, ${profiles ? `profiles of day ${day}` : "formulas"}; ` +
      `${steps} steps of ${STEP_SECONDS / 60} min in slots of ${slotSeconds} s: ${factor} times faster, every energy 1/${factor}.`,
  );
  const rpcUrl = `http://127.0.0.1:${RPC_PORT}`;
  await processes.start("chain", "tools/chain.ts", ["--port", String(RPC_PORT)], /answers at/);
  const connection = await network.create({ network: "localhost", override: { url: rpcUrl } });
  const { ethers } = connection;
  // Everything below is up well before the first step; what flows until then belongs to no slot of the day.
  const startsAt = nextBoundary(Math.ceil(Date.now() / 1_000) + 12, slotSeconds);
  const deployment = await buildWorld(connection, {
    dir,
    rpcUrl,
    households: participants,
    livePort: LIVE_PORT,
    devicePort: DEVICE_PORT,
    dappPort: 5173,
    zone,
    grid: {
      bus: { lossFraction: LINE_LOSS },
      profile: { stepSeconds: STEP_SECONDS, slotSeconds, firstStep: day * STEPS_PER_DAY + fromStep, startsAt },
    },
  });
  const ready = /"event":"ready"/;
  await processes.start(
    "micro-grid",
    "oracle/bin/ioe.mjs",
    ["simulate", "--config", join(dir, "micro-grid.yaml")],
    ready,
  );
  await Promise.all(
    participants.map((_, i) =>
      processes.start(
        `oracle-${i + 1}`,
        "oracle/bin/ioe.mjs",
        ["run", "--config", join(householdDir(dir, i + 1), "ioe.yaml")],
        ready,
      ),
    ),
  );
  if (Date.now() / 1_000 >= startsAt)
    throw new Error("starting took longer than planned; try again on a quieter machine");

  const { contracts } = deployment;
  const registry = await ethers.getContractAt("MeterRegistry", contracts.MeterRegistry);
  const market = await ethers.getContractAt("DirectMarket", contracts.DirectMarket);
  const vault = await ethers.getContractAt("Vault", contracts.Vault);
  const money = await ethers.getContractAt("TestUSD", contracts.PaymentToken);
  const tariff = await ethers.getContractAt("Tariff", contracts.Tariff);
  const owners = (await ethers.getSigners()).slice(
    LOCAL_ACCOUNTS.firstHousehold,
    LOCAL_ACCOUNTS.firstHousehold + participants.length,
  );
  const deposit = 100_000_000n;
  await Promise.all(
    owners.map(async (owner) => {
      await (await money.connect(owner).approve(contracts.Vault, deposit)).wait();
      await (await vault.connect(owner).deposit(deposit)).wait();
      await (await vault.connect(owner).setAllowed(contracts.DirectMarket, true)).wait();
    }),
  );

  const meterIds = participants.map((_, i) => i + 1);
  const first = slotOf(startsAt + 1, slotSeconds);
  const last = first + steps - 1;
  const tally = { booked: meterIds.map(() => 0n), unsold: meterIds.map(() => 0n), gaps: 0, trades: 0, busy: 0 };
  /** Slots after which nothing about a slot can change: its grace is over and its deliveries are closed. */
  const settled = zone.grace / slotSeconds + 1;

  for (let slot = first; slot <= last + settled; slot++) {
    await readingsOf(slot - 1);
    if (slot <= last) await trade(slot);
    if (slot - settled >= first) await count(slot - settled);
    if ((slot - first) % 8 === 0) showProgress(slot - first);
  }
  await report();
  await connection.close();

  /** Waits until the slot's readings are on chain and its deliveries closed, but not beyond the middle of the next slot. */
  async function readingsOf(slot: number): Promise<void> {
    const end = endOf(slot, slotSeconds) * 1_000;
    await sleepUntil(end + 500);
    const isReady = async (id: number) =>
      (await registry.isFinal(id, slot)) && (await market.openDeliveryOf(id)) === 0n;
    while (Date.now() < end + slotSeconds * 500 && !(await Promise.all(meterIds.map(isReady))).every(Boolean)) {
      await sleepUntil(Date.now() + 100);
    }
  }

  /** Everybody expects what the last slot brought. */
  async function trade(slot: number): Promise<void> {
    const expected = await Promise.all(meterIds.map((id) => registry.energyIn(id, slot - 1)));
    const free = await Promise.all(meterIds.map(async (id) => (await market.openDeliveryOf(id)) === 0n));
    const sellers = meterIds.filter((id) => expected[id - 1]!.exported > SMALLEST);
    const buyers = meterIds.filter((id) => expected[id - 1]!.imported > SMALLEST);
    tally.busy += [...sellers, ...buyers].filter((id) => !free[id - 1]).length;
    const { feedIn } = await tariff.tariffAt(slot);
    const end = endOf(slot, slotSeconds);

    const offers = await Promise.all(
      sellers
        .filter((id) => free[id - 1])
        .map(async (id) => {
          const energy = expected[id - 1]!.exported;
          const tx = await market.connect(owners[id - 1]).list(id, energy, 1, feedIn, 1, end);
          const [listed] = await market.queryFilter(
            market.filters.Listed(undefined, id),
            (await tx.wait())!.blockNumber,
          );
          return { listing: listed!.args.listingId, energy };
        }),
    );
    // All ask the index price, so the largest offer is the best one; the greatest need chooses first.
    offers.sort((a, b) => Number(b.energy - a.energy));
    const needs = buyers
      .filter((id) => free[id - 1])
      .sort((a, b) => Number(expected[b - 1]!.imported - expected[a - 1]!.imported));
    await Promise.all(
      needs.slice(0, offers.length).map(async (id, i) => {
        const { listing, energy } = offers[i]!;
        const need = expected[id - 1]!.imported;
        const limit = (await tariff.tariffAt(slot)).retail;
        const tx = await market.connect(owners[id - 1]).buy(listing, id, need < energy ? need : energy, limit, end);
        await tx.wait();
        tally.trades++;
      }),
    );
  }

  /** Takes a slot that is over into the day's balance. */
  async function count(slot: number): Promise<void> {
    for (const id of meterIds) {
      const { exported, complete } = await registry.energyIn(id, slot);
      tally.booked[id - 1]! += exported;
      tally.unsold[id - 1]! += (await registry.unclaimedIn(id, slot)).exported;
      if (!complete) tally.gaps++;
    }
  }

  function showProgress(step: number): void {
    const minutes = (fromStep + Math.min(step, steps)) * (STEP_SECONDS / 60);
    const time = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
    console.log(`${time}  ${tally.trades} trades`);
  }

  async function report(): Promise<void> {
    const dayEnds = endOf(last, slotSeconds);
    const registersAt = async (id: number, takenAt: number) => {
      const readings = await registry.queryFilter(registry.filters.ReadingAccepted(id));
      const reading = readings.find(({ args }) => Number(args.takenAt) === takenAt);
      if (!reading)
        throw new Error(`${participants[id - 1]!.name} has no reading at ${takenAt}; the day cannot be balanced`);
      return reading.args;
    };
    const sold = meterIds.map(() => 0n);
    const bought = meterIds.map(() => 0n);
    const deliveries = Number(await market.deliveryCount());
    let open = 0;
    for (let i = 1; i <= deliveries; i++) {
      const delivery = await market.deliveryOf(i);
      sold[Number(delivery.sellerMeterId) - 1]! += delivery.delivered;
      bought[Number(delivery.buyerMeterId) - 1]! += delivery.delivered;
      if (!delivery.closed) open++;
    }
    const { feedIn, retail } = await tariff.tariffAt(last);
    const kWh = (energy: bigint) => formatKWh(energy, units);
    const usd = (amount: bigint) => formatDecimal(amount, 6);

    const sum = { exported: 0n, imported: 0n, delivered: 0n, unsold: 0n, unbooked: 0n };
    const energyRows: string[][] = [];
    const moneyRows: string[][] = [];
    for (const id of meterIds) {
      const i = id - 1;
      const [from, to] = [await registersAt(id, startsAt), await registersAt(id, dayEnds)];
      const exported = to.exported - from.exported;
      const imported = to.imported - from.imported;
      const unbooked = exported - tally.booked[i]!;
      sum.exported += exported;
      sum.imported += imported;
      sum.delivered += sold[i]!;
      sum.unsold += tally.unsold[i]!;
      sum.unbooked += unbooked;
      const name = participants[i]!.name;
      energyRows.push([name, kWh(exported), kWh(sold[i]!), kWh(tally.unsold[i]!), kWh(imported), kWh(bought[i]!)]);

      const local = (await vault.free(owners[i]!)) - deposit;
      // A buyer may be credited with up to the line-loss allowance more than his own register shows.
      const rest = imported > bought[i]! ? imported - bought[i]! : 0n;
      const utility = mulDivDown(exported - sold[i]!, feedIn, units) - mulDivUp(rest, retail, units);
      const alone = mulDivDown(exported, feedIn, units) - mulDivUp(imported, retail, units);
      moneyRows.push([name, usd(local), usd(utility), usd(local + utility), usd(alone), usd(local + utility - alone)]);
    }
    printTable(["energy, kWh", "exported", "sold", "unsold", "imported", "bought"], energyRows);
    printTable(["money, $", "local market", "utility", "together", "utility alone", "better by"], moneyRows);

    const residual = sum.exported - sum.delivered - sum.unsold - sum.unbooked;
    console.log(
      `On the chain:  exported ${kWh(sum.exported)} = delivered ${kWh(sum.delivered)} + unsold ${kWh(sum.unsold)}` +
        ` + never booked ${kWh(sum.unbooked)} kWh, residual ${residual} units`,
    );
    const { feeder } = await truth();
    console.log(
      `On the wires, from before the day to after it:  sent ${feeder.sent} + from the utility ${feeder.imported} = received ${feeder.received}` +
        ` + to the utility ${feeder.exported} + line losses ${feeder.lost} µJ, residual ${feeder.residual}`,
    );
    console.log(
      `${tally.trades} trades, ${open} still open; ${tally.busy} times a meter was still busy; ` +
        `${tally.gaps} of ${steps * meterIds.length} slots of a meter incomplete.`,
    );
    if (residual !== 0n || feeder.residual !== "0" || open !== 0) throw new Error("the day does not balance");
  }
}

async function truth(): Promise<{
  feeder: Record<"sent" | "received" | "imported" | "exported" | "lost" | "residual", string>;
}> {
  return (await (await fetch(`http://127.0.0.1:${DEVICE_PORT}/v1/state`)).json()) as Awaited<ReturnType<typeof truth>>;
}

async function sleepUntil(unixMs: number): Promise<void> {
  const left = unixMs - Date.now();
  if (left > 0) await new Promise((done) => setTimeout(done, left));
}

function printTable(header: string[], rows: string[][]): void {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ");
  console.log(`\n${[header, ...rows].map(line).join("\n")}\n`);
}
