import { parse, parseDocument } from "yaml";
import { z } from "zod";
import { gatewayUrl, httpUrl, routePowerW } from "../config/index.ts";
import {
  type DriverInfo,
  type MeterDriverConfig,
  driverInfos,
  meterDriverSchema,
  p1IntervalMs,
  relayDriverSchema,
} from "../hardware/index.ts";
import type { Detected } from "./detect.ts";
import type { Answers } from "./render.ts";

/** A dialogue: one question, one answer; an empty one means the proposal. */
export type Ask = (question: string, proposal: string) => Promise<string>;

type Section = Record<string, unknown>;
type Schema = { safeParse(value: unknown): { error?: { issues: { path: PropertyKey[]; message: string }[] } } };

/** Asks for everything that has no good default. The drivers' own examples are the questions. */
export async function askAll(ask: Ask, say: (text: string) => void, found: Detected): Promise<Answers> {
  for (const line of described(found)) say(line);
  const asked = <T>(question: string, proposal: string, schema: z.ZodType<T>, read?: (answer: string) => unknown) =>
    askUntil(ask, say, question, proposal, schema, read);
  const rpcUrl = await asked("RPC address of an Ethereum node", "http://127.0.0.1:8545", httpUrl);
  const deployment = await ask("deployment file of the zone, as seen from the configuration", "./deployment.json");
  const payers = "gateways that pay for transactions (addresses, - for none)";
  const gateways = await asked(payers, "-", z.array(gatewayUrl), words);
  say("\nThe meter.");
  const meter = await askDriver(ask, say, found, "meter", meterDriverSchema);
  const connection = meter.scope === "connection";
  say(
    `\nThe relays.${connection ? " At a house's connection they switch flexible devices only, never the house." : ""}`,
  );
  const some = z.array(z.string()).min(connection ? 0 : 1, "a branch is switched by at least one relay; name it");
  const named = await asked("names of the relays, - for none", connection ? "-" : "discharge charge", some, words);
  const relays: Record<string, Section> = {};
  for (const name of named) {
    say(`\nRelay ${name}.`);
    relays[name] = await askDriver(ask, say, found, "relay", relayDriverSchema);
  }
  const names = Object.keys(relays);
  const powerW = await asked("power of a delivery, W", `${Number(meter.maxPowerW)}`, routePowerW, Number);
  const path = (word: string) => names.filter((name) => name === word);
  const all = names.length <= 1 || connection ? names : undefined;
  return {
    chain: { rpcUrls: [rpcUrl], deployment },
    gateways,
    meter: { id: 1, ...meter, ...pollOf(meter as MeterDriverConfig) } as Answers["meter"],
    relays: relays as Answers["relays"],
    // At a connection a delivery closes all relays together.
    interlocks: names.length > 1 && !connection ? [{ relays: names, deadTimeMs: 500 }] : [],
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

/** What the configuration needs when the default is too often for the meter. */
function pollOf(meter: MeterDriverConfig): { pollMs?: number } {
  return meter.driver === "dsmr-p1" ? { pollMs: p1IntervalMs(meter) } : {};
}

/** Asks one question until the schema is content with what `read` makes of the answer. */
async function askUntil<T>(
  ask: Ask,
  say: (text: string) => void,
  question: string,
  proposal: string,
  schema: z.ZodType<T>,
  read: (answer: string) => unknown = (answer) => answer,
): Promise<T> {
  for (;;) {
    const answer = await ask(question, proposal);
    const { success, data, error } = schema.safeParse(read(answer));
    if (success) return data;
    say(`${answer}: ${error.issues[0]!.message}. Once more.`);
  }
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
    document.setIn(path, answer === String(proposal) ? proposal : valueOf(answer));
  }
  return document.toJS() as Section;
}

/** What is no YAML stays a text: the driver's schema says whether it will do. */
function valueOf(answer: string): unknown {
  try {
    return parse(answer);
  } catch {
    return answer;
  }
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
