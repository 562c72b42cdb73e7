import { costUp } from "@ioe/protocol";
import type { Parsed } from "../../format/index.ts";
import { amountReasons, type MeterLack, meterReasons, type SessionKind, sessionReasons } from "../../forms/index.ts";
import type { Reason } from "../../text/index.ts";

/** Energy amounts of the market are uint32. */
const LARGEST_ENERGY = 2n ** 32n - 1n;

export interface TradeMeter {
  id: number;
  active: boolean;
  /** Deadline of the open delivery that occupies it. */
  busyUntil: number | undefined;
}

export interface BuyContext {
  session: SessionKind;
  paused: boolean;
  /** Chain time, Unix seconds. */
  now: number;
  /** Undefined when the offer is sold out, taken back or stale. */
  offer:
    | {
        meterId: number;
        remaining: bigint;
        minEnergy: bigint;
        /** Base units per kWh, grid fee included. */
        allIn: bigint;
        expiresAt: number;
        busyUntil: number | undefined;
      }
    | undefined;
  energy: Parsed;
  /** The meter to buy into; `lack` says why there is none. */
  meter: TradeMeter | undefined;
  lack: MeterLack;
  /** Highest all-in price, base units per kWh. */
  maxPrice: Parsed;
  /** Vault money of the meter's owner; undefined while it is being read. */
  funds: { free: bigint; marketAllowed: boolean } | undefined;
  unitsPerKWh: bigint;
}

/** What keeps a purchase from being sent, first things first; empty when nothing does. */
export function validateBuy(context: BuyContext): Reason[] {
  const { session, paused, now, offer, energy, meter, lack, maxPrice, funds, unitsPerKWh } = context;
  const reasons = sessionReasons(session);
  if (!offer || offer.expiresAt < now) return [...reasons, { code: "offerGone" }];
  if (paused) reasons.push({ code: "marketPaused" });
  if (session === "ready") {
    if (meter?.id === offer.meterId) reasons.push({ code: "sameMeter" });
    else reasons.push(...meterReasons(meter, lack));
  }
  reasons.push(...amountReasons(energy));
  if (energy.kind === "amount") {
    if (energy.value > offer.remaining) reasons.push({ code: "moreThanRemains", remaining: offer.remaining });
    // What is left of an offer can always be bought, however little it is.
    else if (energy.value > 0n && energy.value < offer.minEnergy && energy.value !== offer.remaining) {
      reasons.push({
        code: "belowMinimum",
        minimum: offer.minEnergy < offer.remaining ? offer.minEnergy : offer.remaining,
      });
    }
  }
  if (maxPrice.kind === "empty") reasons.push({ code: "priceMissing" });
  else if (maxPrice.kind === "invalid") reasons.push({ code: "priceInvalid", message: maxPrice.message });
  else if (offer.allIn > maxPrice.value) {
    reasons.push({ code: "priceAboveLimit", price: offer.allIn, limit: maxPrice.value });
  }
  if (session === "ready" && meter) {
    if (!funds) reasons.push({ code: "loading" });
    else {
      const cost = energy.kind === "amount" ? costUp(energy.value, offer.allIn, unitsPerKWh) : 0n;
      if (funds.free === 0n) reasons.push({ code: "depositFirst", missing: cost });
      else if (cost > funds.free) reasons.push({ code: "notEnoughMoney", cost, free: funds.free });
      if (!funds.marketAllowed) reasons.push({ code: "marketNotAllowed" });
    }
  }
  if (offer.busyUntil !== undefined) reasons.push({ code: "sellerBusy", until: offer.busyUntil });
  if (meter?.busyUntil !== undefined) reasons.push({ code: "buyerBusy", until: meter.busyUntil });
  return reasons;
}

export interface SellContext {
  session: SessionKind;
  paused: boolean;
  meter: Pick<TradeMeter, "id" | "active"> | undefined;
  lack: MeterLack;
  energy: Parsed;
  /** Fixed price or floor, base units per kWh. */
  price: Parsed;
  /** Smallest sale; empty means any. */
  minimum: Parsed;
  /** Undefined while the tariff is being read. */
  bounds: { lowest: bigint; highest: bigint } | undefined;
}

/** What keeps an offer from being sent, first things first; empty when nothing does. */
export function validateSell(context: SellContext): Reason[] {
  const { session, paused, meter, lack, energy, price, minimum, bounds } = context;
  const reasons = sessionReasons(session);
  if (paused) reasons.push({ code: "marketPaused" });
  if (session === "ready") reasons.push(...meterReasons(meter, lack));
  reasons.push(...amountReasons(energy));
  if (energy.kind === "amount" && energy.value > LARGEST_ENERGY) {
    reasons.push({ code: "amountTooLarge", largest: LARGEST_ENERGY });
  }
  if (!bounds) reasons.push({ code: "loading" });
  else if (price.kind === "empty") reasons.push({ code: "priceMissing" });
  else if (price.kind === "invalid") reasons.push({ code: "priceInvalid", message: price.message });
  else if (price.value < bounds.lowest) reasons.push({ code: "priceBelowFeedIn", lowest: bounds.lowest });
  else if (price.value > bounds.highest) reasons.push({ code: "priceAboveRetail", highest: bounds.highest });
  if (minimum.kind === "invalid") reasons.push({ code: "amountInvalid", message: minimum.message });
  else if (minimum.kind === "amount" && energy.kind === "amount" && minimum.value > energy.value) {
    reasons.push({ code: "minimumAboveEnergy", energy: energy.value });
  }
  return reasons;
}
