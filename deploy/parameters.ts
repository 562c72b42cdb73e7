/** The parameter file of a zone on any EVM chain: parameters.example.yaml says what each field means. */
import { randomBytes } from "node:crypto";
import { getAddress, isAddress, ZeroAddress } from "ethers";
import { parse } from "yaml";
import { z } from "zod/v4";
import type { ZoneAccounts, ZoneParameters } from "./zone.ts";

/** What cannot be deployed, with the path of each wrong field and what is allowed there. */
export class ParameterError extends Error {
  override readonly name = "ParameterError";
}

/** A zone as its parameter file describes it. */
export interface ZonePlan {
  name: string;
  chain: { id: number; rpcUrl: string; explorerUrl?: string; confirmations: number };
  token: { address: string; decimals: number };
  /** EIP-712 salt of the community, 32 bytes. */
  salt: string;
  parameters: ZoneParameters;
  accounts: ZoneAccounts;
}

const UINT32 = 2 ** 32 - 1;
const UINT40 = 2 ** 40 - 1;
const DAY = 86_400;
const YEAR = 365 * DAY;
/** As in Tariff: prices are kept in 48 bits and lie on 128 ticks. */
const LARGEST_PRICE = 2n ** 48n - 1n;
const LAST_TICK = 127n;
/** As in DirectMarket: slots that a delivery can touch. */
const MAX_SLOTS = 24;
const SECONDS: Record<string, number> = { s: 1, min: 60, h: 3_600, d: DAY };

// The file is read as text throughout, so that 0.30 stays what is written and never becomes a float.

const whole = (least: number, most: number) =>
  z
    .string()
    .refine((text) => /^[\d_]+$/.test(text) && Number(text.replaceAll("_", "")) >= least, {
      error: `must be a whole number from ${least} to ${most}`,
      abort: true,
    })
    .transform((text) => Number(text.replaceAll("_", "")))
    .refine((value) => value <= most, `must be a whole number from ${least} to ${most}`);

const DURATION = /^(\d+) *(s|min|h|d)?$/;
const duration = (least: number, most: number) =>
  z
    .string()
    .regex(DURATION, { error: "must be a duration: seconds, or a number with s, min, h or d", abort: true })
    .transform((text) => {
      const [, count, unit] = DURATION.exec(text)!;
      return Number(count) * SECONDS[unit ?? "s"]!;
    })
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most} seconds`);

const decimal = z.string().regex(/^\d+(\.\d+)?$/, "must be a decimal number like 0.08");

const address = z
  .string()
  .refine((text) => /^0x[0-9a-fA-F]{40}$/.test(text), {
    error: "must be an address: 0x and 40 hex digits",
    abort: true,
  })
  .refine((text) => isAddress(text), {
    error: "is not what its capital letters say (EIP-55): a digit is wrong",
    abort: true,
  })
  .refine((text) => getAddress(text) !== ZeroAddress, "must not be the zero address")
  .transform((text) => getAddress(text));

/** A power that may only be used after an announcement. */
const delayed = z.strictObject({ account: address, delay: duration(1, UINT32) });

const shape = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be 1 to 40 small letters, digits and dashes"),
  chain: z.strictObject({
    id: whole(1, Number.MAX_SAFE_INTEGER),
    rpcUrl: z.string().regex(/^https?:\/\/[^\s/]/, "must be an http(s) URL"),
    explorerUrl: z
      .string()
      .regex(/^https?:\/\/[^\s]*[^\s/]$/, "must be an http(s) URL without a slash at the end")
      .optional(),
    confirmations: whole(1, 1_000),
  }),
  salt: z.string().refine((text) => /^0x[0-9a-fA-F]{64}$/.test(text) && !/^0x0+$/.test(text), {
    error: () =>
      `must be 0x and 64 random hex digits; here are some nobody else has: 0x${randomBytes(32).toString("hex")}`,
  }),
  token: z.strictObject({ address, decimals: whole(0, 36) }),
  time: z.strictObject({
    slot: duration(1, DAY),
    gateClosure: duration(1, YEAR),
    openAhead: whole(1, UINT32),
    grace: duration(1, YEAR),
    claimWindow: duration(1, YEAR),
    maxDelivery: duration(1, YEAR),
  }),
  energy: z.strictObject({
    unitsPerKWh: z.enum(["1000", "1000000"], "must be 1000 (a unit is 1 Wh) or 1000000 (1 mWh)").transform(Number),
    minOrder: whole(1, UINT32),
    lineLossPercent: decimal,
  }),
  tariff: z.strictObject({
    lowest: decimal,
    tick: decimal,
    feedIn: decimal,
    retail: decimal,
    gridFee: decimal,
    noticeSlots: whole(1, UINT40),
  }),
  accounts: z.strictObject({ gridOperator: address, dust: address }),
  roles: z.strictObject({
    admin: delayed,
    marketAdmin: delayed,
    operator: delayed,
    guardian: z.strictObject({ account: address }),
  }),
});

/** The rules between fields: those of the contracts' constructors, in words. */
const plan = shape.transform((file, context): ZonePlan => {
  const { time, energy, tariff, token, roles, accounts } = file;
  const wrong = (path: string, message: string) =>
    context.issues.push({ code: "custom", path: path.split("."), message, input: file });

  if (time.grace < time.slot) wrong("time.grace", `must be at least one slot (${time.slot} s)`);
  if (time.claimWindow <= time.grace) wrong("time.claimWindow", `must be longer than the grace (${time.grace} s)`);
  if (time.openAhead * time.slot > YEAR) wrong("time.openAhead", "must be at most a year of slots");
  if (time.gateClosure >= time.openAhead * time.slot) {
    wrong("time.gateClosure", `must be shorter than openAhead slots (${time.openAhead * time.slot} s)`);
  }
  const longest = Math.min((MAX_SLOTS - 1) * time.slot - 1, time.claimWindow - time.grace - 2 * time.slot);
  if (time.maxDelivery < time.slot || time.maxDelivery > longest) {
    wrong(
      "time.maxDelivery",
      longest < time.slot
        ? "cannot be met: the claim window must hold the grace and at least three slots"
        : `must be from one slot (${time.slot} s) to ${longest} s: at most ${MAX_SLOTS} slots, and settled within the claim window`,
    );
  }

  /** Exactly so many digits after the point, as an integer; nothing when there are more. */
  const scaled = (path: string, text: string, digits: number, unit: string): bigint => {
    const [integer, fraction = ""] = text.split(".");
    if (fraction.replace(/0+$/, "").length > digits) wrong(path, `has more than the ${digits} decimals of ${unit}`);
    return BigInt(integer! + fraction.slice(0, digits).padEnd(digits, "0"));
  };
  const price = (name: Exclude<keyof typeof tariff, "noticeSlots">) =>
    scaled(`tariff.${name}`, tariff[name], token.decimals, "the token");
  const [lowest, tick, feedIn, retail, gridFee] = [
    price("lowest"),
    price("tick"),
    price("feedIn"),
    price("retail"),
    price("gridFee"),
  ];
  const highest = lowest + LAST_TICK * tick;
  if (tick === 0n) wrong("tariff.tick", "must be above 0");
  if (highest > LARGEST_PRICE) {
    wrong("tariff.tick", `is too coarse: lowest + 127 · tick must be at most ${LARGEST_PRICE} base units of the token`);
  }
  if (feedIn === 0n) wrong("tariff.feedIn", "must be above 0");
  const onTick = (name: string, value: bigint, origin: bigint, from: string) => {
    if (tick === 0n) return;
    if (value < origin) wrong(`tariff.${name}`, `must not be below ${from}`);
    else if ((value - origin) % tick !== 0n)
      wrong(`tariff.${name}`, `must be ${from} plus a multiple of tick (${tariff.tick})`);
    else if (value > origin + LAST_TICK * tick) wrong(`tariff.${name}`, `must be at most ${from} + 127 · tick`);
  };
  onTick("feedIn", feedIn, lowest, "lowest");
  onTick("retail", retail, lowest, "lowest");
  onTick("gridFee", gridFee, 0n, "0");
  if (retail <= feedIn) wrong("tariff.retail", `must be above feedIn (${tariff.feedIn})`);
  else if (gridFee >= retail - feedIn) wrong("tariff.gridFee", "must be less than retail − feedIn");

  const lineLossAllowance = Number(
    scaled("energy.lineLossPercent", energy.lineLossPercent, 2, "a hundredth of a percent"),
  );
  if (lineLossAllowance > 10_000) wrong("energy.lineLossPercent", "must be at most 100");

  return {
    name: file.name,
    chain: file.chain,
    token,
    salt: file.salt.toLowerCase(),
    parameters: {
      slotDuration: time.slot,
      grace: time.grace,
      claimWindow: time.claimWindow,
      unitsPerKWh: energy.unitsPerKWh,
      minPrice: lowest,
      tickSize: tick,
      noticeSlots: tariff.noticeSlots,
      feedIn,
      retail,
      gridFee,
      maxDelivery: time.maxDelivery,
      lineLossAllowance,
      gateClosure: time.gateClosure,
      openAhead: time.openAhead,
      minOrder: energy.minOrder,
      adminDelay: roles.admin.delay,
      operatorDelay: roles.operator.delay,
      marketAdminDelay: roles.marketAdmin.delay,
    },
    accounts: {
      admin: roles.admin.account,
      operator: roles.operator.account,
      guardian: roles.guardian.account,
      marketAdmin: roles.marketAdmin.account,
      gridOperator: accounts.gridOperator,
      dustAccount: accounts.dust,
    },
  };
});

/**
 * Checks the text of a parameter file (YAML or JSON).
 * @param source what the errors call it.
 * @throws ParameterError
 */
export function parseParameters(text: string, source = "parameters"): ZonePlan {
  let raw: unknown;
  try {
    raw = parse(text, { schema: "failsafe" });
  } catch (error) {
    throw new ParameterError(`${source} is neither YAML nor JSON: ${(error as Error).message}`);
  }
  const result = plan.safeParse(raw);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `  ${issue.path.join(".") || "(top)"}: ${sentence(issue)}`);
  throw new ParameterError(`${source} cannot be deployed:\n${issues.join("\n")}`);
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return `has no field ${issue.keys.join(", ")}`;
  if (issue.code === "invalid_type") return issue.expected === "string" ? "is missing" : "must be a group of fields";
  return issue.message;
}
