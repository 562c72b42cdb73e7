import { formatKWh } from "@ioe/protocol";
import { type OracleConfig, loadConfig } from "../../config/index.ts";
import { CONFIG, command } from "../command.ts";

export default command({
  options: { config: CONFIG, json: { help: "print the oracle's answer as it is" } },
  run: ({ config, json }) => showStatus(loadConfig(config), json),
});

/** Answer of `GET /v1/status`; integers that may outgrow a double are decimal strings. */
interface Status {
  meter: { id: number; name: string; powerW?: number; imported?: string; exported?: string };
  relays: Record<string, string>;
  delivery: {
    deliveryId: string;
    role: string;
    peerMeterId: number;
    phase: string;
    energy: string;
    moved: string;
    delivered: string;
    deadline: number;
    estimatedS?: number;
    endedBecause?: string;
  } | null;
  lastReading: { takenAt: number } | null;
  pendingReadings: number;
  head: { number: string; timestamp: number } | null;
  troubles: string[];
  unitsPerKWh: string;
}

/** Asks the running oracle. @throws when none answers. */
async function showStatus(config: OracleConfig, json: boolean): Promise<void> {
  if (!config.live) throw new Error("the configuration has no section live: the oracle shows nothing to ask for");
  const { host, port } = config.live;
  const url = `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}/v1/status`;
  let status: Status;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    status = (await response.json()) as Status;
  } catch (error) {
    throw new Error(`no oracle answers at ${url}; is it running?`, { cause: error });
  }
  process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : describe(status));
}

function describe({
  meter,
  relays,
  delivery,
  lastReading,
  pendingReadings,
  head,
  troubles,
  unitsPerKWh,
}: Status): string {
  const kWh = (energy: string | undefined) =>
    energy === undefined ? "?" : `${formatKWh(BigInt(energy), BigInt(unitsPerKWh))} kWh`;
  const lines: [string, string][] = [
    ["meter", `${meter.id}, ${meter.name}`],
    ["power", meter.powerW === undefined ? "no sample" : `${Math.round(meter.powerW)} W (positive: export)`],
    ["registers", `imported ${kWh(meter.imported)}, exported ${kWh(meter.exported)}`],
    [
      "relays",
      Object.entries(relays)
        .map(([name, position]) => `${name} ${position}`)
        .join(", ") || "none",
    ],
    ["last reading", lastReading ? `${iso(lastReading.takenAt)}, ${pendingReadings} not on chain yet` : "none"],
    ["chain", head ? `block ${head.number} of ${iso(head.timestamp)}` : "not reached"],
  ];
  if (delivery) {
    const { deliveryId, role, peerMeterId, phase, energy, moved, delivered, estimatedS, endedBecause } = delivery;
    lines.push([
      "delivery",
      `${deliveryId}, ${role} with meter ${peerMeterId}, ${phase}${endedBecause ? ` (${endedBecause})` : ""}`,
    ]);
    lines.push(["progress", `${kWh(moved)} of ${kWh(energy)} moved, ${kWh(delivered)} settled`]);
    if (estimatedS !== undefined) lines.push(["time left", `about ${estimatedS} s`]);
  } else {
    lines.push(["delivery", "none"]);
  }
  for (const trouble of troubles) lines.push(["trouble", trouble]);
  return lines.map(([name, text]) => `${name.padEnd(13)} ${text}\n`).join("");
}

function iso(unixS: number): string {
  return new Date(unixS * 1_000).toISOString();
}
