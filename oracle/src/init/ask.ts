import { parse, parseDocument } from "yaml";
import { type DriverInfo, driverInfos, meterDriverSchema, relayDriverSchema } from "../hardware/index.ts";
import type { Detected } from "./detect.ts";
import type { Answers } from "./render.ts";

/** A dialogue: one question, one answer; an empty one means the proposal. */
export type Ask = (question: string, proposal: string) => Promise<string>;

type Section = Record<string, unknown>;
type Schema = { safeParse(value: unknown): { error?: { issues: { path: PropertyKey[]; message: string }[] } } };

/** Asks for everything that has no good default. The drivers' own examples are the questions. */
export async function askAll(ask: Ask, say: (text: string) => void, found: Detected): Promise<Answers> {
  for (const line of described(found)) say(line);
  const rpcUrl = await ask("RPC address of an Ethereum node", "http://127.0.0.1:8545");
  const deployment = await ask("deployment file of the zone, as seen from the configuration", "./deployment.json");
  const gateways = words(await ask("gateways that pay for transactions (addresses, - for none)", "-"));
  say("\nThe meter.");
  const meter = await askDriver(ask, say, found, "meter", meterDriverSchema);
  const connection = meter.scope === "connection";
  say(
    `\nThe relays.${connection ? " At a house's connection they switch flexible devices only, never the house." : ""}`,
  );
  const named = await ask("names of the relays, - for none", connection ? "-" : "discharge charge");
  const relays: Record<string, Section> = {};
  for (const name of words(named)) {
    say(`\nRelay ${name}.`);
    relays[name] = await askDriver(ask, say, found, "relay", relayDriverSchema);
  }
  const names = Object.keys(relays);
  const powerW = Number(await ask("power of a delivery, W", `${Number(meter.maxPowerW)}`));
  const path = (word: string) => names.filter((name) => name === word);
  const all = names.length <= 1 || connection ? names : undefined;
  return {
    chain: { rpcUrls: [rpcUrl], deployment },
    gateways,
    meter: { id: 1, ...meter } as Answers["meter"],
    relays: relays as Answers["relays"],
    interlocks: names.length > 1 ? [{ relays: names, deadTimeMs: 500 }] : [],
    routes: [
      { role: "source", peers: "any", relays: all ?? orFirst(path("discharge"), names), powerW },
      { role: "sink", peers: "any", relays: all ?? orFirst(path("charge"), names.slice(1)), powerW },
    ],
  };
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "-" && word !== "");
}

function orFirst(found: string[], names: string[]): string[] {
  return found.length > 0 ? found : names.slice(0, 1);
}

/** Asks for a driver and the values in its example, until its schema is content. */
async function askDriver(
  ask: Ask,
  say: (text: string) => void,
  found: Detected,
  kind: DriverInfo["kind"],
  schema: Schema,
): Promise<Section> {
  const infos = driverInfos.filter((info) => info.kind === kind);
  for (const { driver, summary } of infos) say(`  ${driver.padEnd(14)} ${summary}`);
  for (;;) {
    const driver = await ask("driver", infos[0]!.driver);
    const info = infos.find((other) => other.driver === driver);
    if (!info) {
      say(`There is no such driver; choose one of ${infos.map((other) => other.driver).join(", ")}.`);
      continue;
    }
    say(`  needs ${info.needs}`);
    const section = await askValues(ask, found, info);
    const issues = schema.safeParse(section).error?.issues ?? [];
    if (issues.length === 0) return section;
    for (const { path, message } of issues) say(`${path.join(".")}: ${message}`);
    say("Once more.");
  }
}

async function askValues(ask: Ask, found: Detected, info: DriverInfo): Promise<Section> {
  const document = parseDocument(info.example);
  for (const path of leaves(document.toJS())) {
    if (path.join(".") === "driver") continue;
    const proposal = propose(document.getIn(path), found);
    const answer = await ask(path.join("."), String(proposal));
    document.setIn(path, answer === String(proposal) ? proposal : (parse(answer) as unknown));
  }
  return document.toJS() as Section;
}

/** Paths of all values that are no maps. */
function leaves(value: unknown, above: string[] = []): string[][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [above];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...above, key]));
}

/** What is really there, in place of an example's device. */
function propose(value: unknown, { serial, i2c }: Detected): unknown {
  if (typeof value !== "string") return value;
  if (/^\/dev\/(serial|tty)/.test(value)) return serial[0] ?? value;
  return value.startsWith("/dev/i2c") ? (i2c[0] ?? value) : value;
}

function described({ serial, gpioChips, i2c, mqtt }: Detected): string[] {
  const row = (name: string, values: string[]) => `  ${name.padEnd(14)} ${values.join(", ") || "none"}`;
  return [
    "Found on this computer:",
    row("serial ports", serial),
    row("GPIO chips", gpioChips),
    row("I2C buses", i2c),
    row("MQTT broker", mqtt ? ["127.0.0.1:1883"] : []),
    "",
  ];
}
