import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Deployment, DeploymentError, parseDeployment } from "@ioe/protocol";
import type { LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { parse } from "yaml";
import { z } from "zod";
import { MAX_FEE_GWEI } from "../chain/index.ts";
import { isAddressRange } from "../gateway/address.ts";
import { mqttGateway } from "../gateway/mqtt-topics.ts";
import {
  type RelayDriverConfig,
  batterySchema,
  driverInfos,
  isGuarded,
  meterSchemaWith,
  p1IntervalMs,
  relayDriverSchema,
} from "../hardware/index.ts";
import { KeyError, isKeystore, readKey, readKeyFile } from "../keys/index.ts";

/** A configuration that cannot be used; `message` names each wrong place and what is expected there. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http(s) URL" });
export const gatewayUrl = z.url({
  protocol: /^(https?|mqtts?)$/,
  error: "expected an http(s) or mqtt(s) URL, or { broker, topic, user, passwordFile, caFile }",
});
const seconds = (least: number, most: number) => z.number().min(least).max(most);

const chain = z.strictObject({
  /** Nodes of the same chain; the first that answers is used. */
  rpcUrls: z.array(httpUrl).min(1),
  /** Path of the deployment file, relative to this file. */
  deployment: z.string().min(1),
  /** Blocks on top before an event is acted on. */
  confirmations: z.int().min(0).max(1_000).default(0),
  /** Blocks on top of a purchase before relays move for it, by what it is worth in base units of the payment token. */
  finality: z
    .array(z.strictObject({ fromValue: z.int().min(0), confirmations: z.int().min(0).max(1_000) }))
    .default([]),
  pollMs: z.int().min(50).max(60_000).default(1_000),
  /** Most that a gas may cost, tip included, whatever the nodes say; transactions wait while it costs more. */
  maxFeeGwei: z.number().min(0.001).max(1_000_000).default(MAX_FEE_GWEI),
});

const log = z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info") }).prefault({});

/**
 * `required`: while the kernel does not count its clock as synchronised, nothing is signed and no relay closes. `ignored`:
 * somebody else sees to it.
 */
const wallClock = z.strictObject({ synchronised: z.enum(["required", "ignored"]).default("required") }).prefault({});

/** Number of the meter in the registry. */
const meterId = z.int().positive().max(0xffff_ffff);

/** File with the password of encrypted keys; without it systemd's credential is used, or the terminal asks. */
const passwordFile = z.string().min(1).optional();

/** Prometheus metrics and health, for this machine and its administrator. */
const metrics = z
  .strictObject({ host: z.string().min(1).default("127.0.0.1"), port: z.int().min(0).max(65_535) })
  .optional();

const WATTS = { error: "expected watts: a number above 0 without a unit, such as 3000" };
export const routePowerW = z.number(WATTS).positive(WATTS);

const route = z.strictObject({
  role: z.enum(["source", "sink"]),
  /** Meters at the other end. */
  peers: z.union([z.literal("any"), z.array(z.int().positive()).min(1)], {
    error: 'expected "any" or a list of meter ids',
  }),
  /** Empty for a meter at a connection: what flows there is never switched. */
  relays: z.array(z.string().min(1)),
  powerW: routePowerW,
});

const DEVICE_LEASE_MS = 5_000;
/** The device lease is renewed with every sample: one that is late must not open anything. */
const LEASE_POLLS = 2;

const configSchema = z
  .strictObject({
    chain,
    journal: z.string().min(1),
    /** The sender pays for transactions; without one, gateways do. */
    keys: z.strictObject({ meter: z.string().min(1), sender: z.string().min(1).optional(), passwordFile }),
    /**
     * Gateways that bring signed readings to the chain, in the order of preference: base URLs, mqtt(s)://HOST:PORT/TOPIC, or
     * a broker with what it wants.
     */
    gateways: z.array(z.union([gatewayUrl, mqttGateway])).default([]),
    live: z
      .strictObject({
        host: z.string().min(1).default("127.0.0.1"),
        port: z.int().min(0).max(65_535),
        /** Web pages that may read the telemetry. */
        allowOrigins: z.array(z.union([z.literal("*"), httpUrl])).default([]),
      })
      .optional(),
    metrics,
    clock: wallClock,
    meter: meterSchemaWith({
      id: meterId,
      pollMs: z.int().min(100).max(60_000).default(1_000),
    }),
    /** How full the battery behind the meter is, for the people who look at it. */
    battery: batterySchema.optional(),
    relays: z.record(z.string().min(1), relayDriverSchema).default({}),
    interlocks: z
      .array(z.strictObject({ relays: z.array(z.string()).min(2), deadTimeMs: z.int().min(0).max(60_000) }))
      .default([]),
    routes: z.array(route).default([]),
    delivery: z
      .strictObject({
        /** Wh a source may export beyond what the buyer's meter has confirmed; three checkpoints' worth by default. */
        maxUnwitnessedWh: z.number().positive().optional(),
        noFlowTimeoutS: seconds(1, 3_600).default(60),
        /** The sink opens when the flow has stopped for so long. */
        silentTimeoutS: seconds(1, 3_600).default(15),
      })
      .prefault({}),
    safety: z
      .strictObject({
        /** A relay opens when the control loop stands still for so long; 5 s or twice `meter.pollMs` by default. */
        deviceLeaseMs: z.int().min(500).max(120_000).optional(),
        /** All relays open when the contract could not be read for so long (or for three slow blocks, ten minutes at most). */
        authorityLeaseS: seconds(5, 3_600).default(120),
        /** An opened relay stays open for so long. */
        minOpenMs: z.int().min(0).max(600_000).default(2_000),
        /** Longest time a relay stays closed without an opening in between; then it opens and rests for half a minute. */
        maxOnMinutes: z.number().min(1).max(1_440).default(240),
        /** Most that may flow through the meter meanwhile; by default what its rated power moves in that time. */
        maxEnergyWh: z.number().positive().optional(),
      })
      .prefault({}),
    log,
  })
  .superRefine(({ meter, relays, interlocks, routes, keys, gateways, safety }, context) => {
    const { deviceLeaseMs } = safety;
    if (deviceLeaseMs !== undefined && deviceLeaseMs < LEASE_POLLS * meter.pollMs && Object.keys(relays).length > 0) {
      const message = `expected ${LEASE_POLLS * meter.pollMs} or more: it is renewed with every sample, each meter.pollMs`;
      context.addIssue({ code: "custom", path: ["safety", "deviceLeaseMs"], message });
    }
    if (meter.driver === "ina2xx" && meter.chip !== "ina228" && meter.maxGapMs < 2 * meter.pollMs) {
      const message = `expected ${2 * meter.pollMs} or more: between two samples, each meter.pollMs, energy counts only when they are no further apart`;
      context.addIssue({ code: "custom", path: ["meter", "maxGapMs"], message });
    }
    if (meter.driver === "dsmr-p1" && meter.pollMs < p1IntervalMs(meter)) {
      const message = `expected ${p1IntervalMs(meter)} or more: that is how often a P1 meter of version ${meter.version} sends`;
      context.addIssue({ code: "custom", path: ["meter", "pollMs"], message });
    }
    if (keys.sender === undefined && gateways.length === 0) {
      const message = "missing: without gateways this oracle pays for its transactions itself; give a key, or gateways";
      context.addIssue({ code: "custom", path: ["keys", "sender"], message });
    }
    const known = Object.keys(relays);
    const check = (names: readonly string[], path: (string | number)[]) => {
      for (const [i, name] of names.entries()) {
        if (known.includes(name)) continue;
        const expected = known.length > 0 ? known.join(", ") : "none: the section relays is empty";
        context.addIssue({
          code: "custom",
          path: [...path, i],
          message: `there is no relay "${name}"; known relays: ${expected}`,
        });
      }
    };
    for (const [name, relay] of Object.entries(relays)) {
      if (("unguarded" in relay && relay.unguarded) || isGuarded(relay)) continue;
      const guard = driverInfos.find(({ kind, driver }) => kind === "relay" && driver === relay.driver)?.guard;
      context.addIssue({
        code: "custom",
        path: ["relays", name],
        message: `stays closed when this computer dies; let it guard itself (${guard}), or write unguarded: true`,
      });
    }
    for (const [i, group] of interlocks.entries()) check(group.relays, ["interlocks", i, "relays"]);
    for (const [i, { relays: names }] of routes.entries()) {
      check(names, ["routes", i, "relays"]);
      for (const [k, group] of interlocks.entries()) {
        const both = group.relays.filter((name) => names.includes(name));
        if (new Set(both).size < 2) continue;
        context.addIssue({
          code: "custom",
          path: ["routes", i, "relays"],
          message: `a route closes all its relays, but interlocks.${k} allows one of ${both.join(", ")}; keep one here, or change the interlock`,
        });
      }
      if (names.length > 0 || meter.scope === "connection") continue;
      context.addIssue({
        code: "custom",
        path: ["routes", i, "relays"],
        message: "empty: a branch is switched by at least one relay; only meters of scope connection do without",
      });
    }
  })
  .transform((config) => {
    const { deviceLeaseMs = Math.max(DEVICE_LEASE_MS, LEASE_POLLS * config.meter.pollMs) } = config.safety;
    return { ...config, safety: { ...config.safety, deviceLeaseMs } };
  });

/** A keeper needs no meter and no relays. */
const keeperSchema = z.strictObject({
  chain,
  journal: z.string().min(1),
  keys: z.strictObject({ sender: z.string().min(1), passwordFile }),
  /** Seconds by which it leaves other keepers the first chance; random up to half a minute by default. */
  waitS: z.int().min(0).max(3_600).optional(),
  metrics,
  /** Takes signed readings and live figures from Pis and relays them. */
  gateway: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port: z.int().min(0).max(65_535),
      /** Web pages that may read the telemetry. */
      allowOrigins: z.array(z.union([z.literal("*"), httpUrl])).default([]),
      /** Requests of one network address per second, on average. */
      requestsPerSecond: z.number().min(1).max(10_000).default(20),
      /** Reverse proxies whose X-Forwarded-For is believed. */
      trustedProxies: z
        .array(z.string().refine(isAddressRange, { error: "expected an address, or address/prefix" }))
        .default([]),
      /** A broker at which it takes the same. */
      mqtt: mqttGateway
        .extend({
          /** Messages of all senders per second, on average. */
          requestsPerSecond: z.number().min(1).max(10_000).default(200),
        })
        .optional(),
    })
    .optional(),
  log,
});

/** Base units of the payment token per kWh. */
const price = z.int().positive();

/** An agent needs no devices: it asks the household's oracle. */
const agentSchema = z.strictObject({
  chain,
  journal: z.string().min(1),
  /** Key of the meter's trader (`setTrader`): it places and cancels with the owner's money, and can never withdraw. */
  keys: z.strictObject({ trader: z.string().min(1), passwordFile }),
  meter: z.strictObject({ id: meterId }),
  /** Base URL of the live server of the meter's oracle. */
  oracle: httpUrl,
  preferences: z
    .strictObject({
      /** What a kWh must bring; what the utility pays by default. */
      lowestSellPrice: price.optional(),
      /** What a kWh may cost, grid fee included; what the utility charges by default. */
      highestBuyPrice: price.optional(),
      /** Most that orders of slots to come may lock together, base units; all free money of the vault by default. */
      budget: z.int().positive().optional(),
      /** It has orders in so many slots at a time. */
      slotsAhead: z.int().min(1).max(96).default(4),
      /** What may be done with a battery that stands behind the oracle's relays. */
      battery: z
        .strictObject({
          /** Above it is for sale, what lacks is bought. */
          reservePercent: z.int().min(0).max(100),
          /** What its converter moves. */
          powerW: z.number().positive(),
        })
        .optional(),
    })
    .prefault({}),
  log,
});

export type OracleConfig = z.infer<typeof configSchema>;
export type KeeperConfig = z.infer<typeof keeperSchema>;
export type AgentConfig = z.infer<typeof agentSchema>;
/** As a person writes it: what has a default may be left out. */
export type OracleConfigInput = z.input<typeof configSchema>;

/**
 * Reads and checks a configuration file; the paths in it become absolute.
 * @throws ConfigError
 */
export function loadConfig(path: string): OracleConfig {
  return withAbsolutePaths(parseConfig(readText(path, "configuration"), path), path);
}

/** The same for a keeper. @throws ConfigError */
export function loadKeeperConfig(path: string): KeeperConfig {
  return withAbsolutePaths(parseAs(keeperSchema, readText(path, "configuration"), path), path);
}

/** The same for an agent. @throws ConfigError */
export function loadAgentConfig(path: string): AgentConfig {
  return withAbsolutePaths(parseAs(agentSchema, readText(path, "configuration"), path), path);
}

export interface RelaySection {
  /** Path of the journal, when the file names one. */
  journal: string | undefined;
  /** Each relay's configuration, or what is wrong with it. */
  relays: Map<string, RelayDriverConfig | ConfigError>;
}

/**
 * The relays of a configuration file, whatever the state of the rest: opening them must not depend on it.
 * @throws ConfigError when there is nothing to read relays from.
 */
export function loadRelays(path: string): RelaySection {
  const raw = readYaml(readText(path, "configuration"), path) as { relays?: unknown; journal?: unknown } | null;
  const { relays = {}, journal } = raw ?? {};
  if (typeof relays !== "object" || relays === null) {
    throw new ConfigError(`${path} is not usable:\n  relays: expected names with their drivers`);
  }
  const parsed = Object.entries(relays).map(([name, relay]) => {
    const { success, data, error } = relayDriverSchema.safeParse(relay);
    if (success) absoluteFiles(data, dirname(resolve(path)));
    return [name, success ? data : new ConfigError(listed(error.issues, ["relays", name]).join("; "))] as const;
  });
  return {
    journal: typeof journal === "string" ? resolve(dirname(resolve(path)), journal) : undefined,
    relays: new Map(parsed),
  };
}

/** Checks the text of a configuration. @throws ConfigError */
export function parseConfig(text: string, source = "configuration"): OracleConfig {
  return parseAs(configSchema, text, source);
}

function parseAs<T>(schema: z.ZodType<T>, text: string, source: string): T {
  const result = schema.safeParse(readYaml(text, source));
  if (result.success) return result.data;
  throw new ConfigError([`${source} is not usable:`, ...listed(result.error.issues)].join("\n  "));
}

function readYaml(text: string, source: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new ConfigError(`${source} is not YAML: ${(error as Error).message}`);
  }
}

function listed(issues: readonly { path: PropertyKey[]; message: string }[], above: PropertyKey[] = []): string[] {
  return issues.map(({ path, message }) => `${[...above, ...path].join(".") || "(top)"}: ${message}`);
}

function withAbsolutePaths<T extends AgentConfig | KeeperConfig | OracleConfig>(config: T, path: string): T {
  const base = dirname(resolve(path));
  config.chain.deployment = resolve(base, config.chain.deployment);
  config.journal = resolve(base, config.journal);
  if ("relays" in config)
    for (const device of [config.meter, ...Object.values(config.relays)]) absoluteFiles(device, base);
  const brokers = "gateways" in config ? config.gateways : "gateway" in config ? [config.gateway?.mqtt] : [];
  for (const broker of brokers) if (typeof broker === "object") absoluteFiles(broker, base);
  for (const [name, file] of Object.entries(config.keys))
    if (file !== undefined) Object.assign(config.keys, { [name]: resolve(base, file) });
  return config;
}

/** Files that a device's section names (passwordFile, caFile) lie beside the configuration. */
function absoluteFiles(device: object, base: string): void {
  for (const [key, value] of Object.entries(device))
    if (key.endsWith("File") && typeof value === "string") Object.assign(device, { [key]: resolve(base, value) });
}

/** @throws ConfigError */
export function loadDeployment(path: string): Deployment {
  try {
    return parseDeployment(readText(path, "chain.deployment"));
  } catch (error) {
    if (error instanceof DeploymentError) throw new ConfigError(`${path}: ${error.message}`);
    throw error;
  }
}

/**
 * The account of a key file, see `readKey`.
 * @param name of the setting, for errors.
 * @param passwordFile keys.passwordFile of the configuration.
 * @throws ConfigError; it never shows the key.
 */
export function loadKey(path: string, name = "key", passwordFile?: string): LocalAccount {
  try {
    return privateKeyToAccount(readKey(path, name, passwordFile));
  } catch (error) {
    if (error instanceof KeyError) throw new ConfigError(error.message);
    throw new ConfigError(`${name}: ${path} does not hold a valid private key; make one with: ioe keys new --out FILE`);
  }
}

/** Chains on a developer's machine, where bare keys are no risk: Hardhat's, Anvil's and Ganache's chain ids. */
const LOCAL_CHAINS = [31_337, 1_337];

/** Settings that name an unencrypted key file although the chain is a real one. */
export function bareKeys(keys: Record<string, string | undefined>, chainId: number): string[] {
  if (LOCAL_CHAINS.includes(chainId)) return [];
  const { passwordFile: _, ...files } = keys;
  return Object.entries(files)
    .filter(([name, path]) => path !== undefined && !isKeystore(readKeyFile(path, `keys.${name}`)))
    .map(([name, path]) => `keys.${name}: ${path} is not encrypted; see: ioe help keys import`);
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "it may not be read" : (error as Error).message;
    throw new ConfigError(`${name}: ${path}: ${why}`);
  }
}
