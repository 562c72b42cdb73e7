/**
 * Application of a meter for its registration: what `ioe keys qr` shows as a QR code and the operator's page reads. Text,
 * so that it can be pasted as well:
 *
 *   ioe:register?v=1&chain=31337&registry=0x…&owner=0x…&signer=0x…&possession=0x…&kind=Solar&power=8000&resolution=1&label=Roof
 *
 * Each parameter stands there exactly once (`label` may be missing); an unknown one is refused, because a reader that
 * ignores it might register something else than was asked for. The operator loses nothing by scanning a forged one: the
 * contract checks `possession`, the device's EIP-712 signature over owner, chain and registry.
 */
import type { Address, Hex } from "./deployment.ts";

/** What stands behind a meter, in the contract's order (`IMeterRegistry.Kind`). */
export const METER_KINDS = ["Load", "Solar", "Wind", "Hydro", "Battery", "Grid", "Prosumer"] as const;
export type MeterKind = (typeof METER_KINDS)[number];

export interface MeterRegistration {
  chainId: number;
  registry: Address;
  owner: Address;
  /** 20 bytes: address of a secp256k1 key. 84 bytes: the registry's P-256 verifier, then x and y (ERC-7913). */
  signer: Hex;
  /** Signature of the device's key over `Possession` (see typedData). */
  possession: Hex;
  kind: MeterKind;
  /** Largest power the meter can see, W. */
  maxPowerW: number;
  /** Smallest step of the registers, energy units. */
  resolution: number;
  /** What the owner calls it; for the operator's eyes only, never on chain. */
  label?: string;
}

/** A text that is no registration; `message` says which part and what is expected. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";
}

const PREFIX = "ioe:register?";
const VERSION = "1";
const MAX_LENGTH = 2_000;
export const MAX_LABEL = 64;
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const SIGNER = /^0x(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{168})$/;
/** 64 or 65 bytes: r, s and, for secp256k1, v. */
const SIGNATURE = /^0x[0-9a-fA-F]{128}(?:[0-9a-fA-F]{2})?$/;
const MAX_UINT32 = 0xffff_ffff;

/** The text for QR code and clipboard. @throws RegistrationError when a field is out of its range. */
export function encodeRegistration(registration: MeterRegistration): string {
  const { chainId, registry, owner, signer, possession, kind, maxPowerW, resolution, label } = check(registration);
  const fields = {
    v: VERSION,
    chain: chainId,
    registry,
    owner,
    signer,
    possession,
    kind,
    power: maxPowerW,
    resolution,
    ...(label ? { label } : {}),
  };
  return (
    PREFIX +
    Object.entries(fields)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join("&")
  );
}

/** Reads what `encodeRegistration` wrote; surrounding white space does not matter. @throws RegistrationError */
export function parseRegistration(text: string): MeterRegistration {
  const trimmed = text.trim();
  if (!trimmed.startsWith(PREFIX)) {
    throw new RegistrationError(`this is not a meter's registration; it begins with "${PREFIX}" (see: ioe keys qr)`);
  }
  if (trimmed.length > MAX_LENGTH) throw new RegistrationError(`a registration has at most ${MAX_LENGTH} characters`);
  const fields = new Map<string, string>();
  for (const pair of trimmed.slice(PREFIX.length).split("&")) {
    const [name = "", ...value] = pair.split("=");
    if (fields.has(name)) throw new RegistrationError(`registration: ${name} stands there twice`);
    fields.set(name, decode(name, value.join("=")));
  }
  const take = (name: string): string => {
    const value = fields.get(name);
    if (!value) throw new RegistrationError(`registration: ${name} is missing; scan or copy the whole text again`);
    fields.delete(name);
    return value;
  };
  const integer = (name: string): number => {
    const digits = take(name);
    return /^\d{1,16}$/.test(digits) ? Number(digits) : fail(name, "an integer");
  };
  const version = take("v");
  if (version !== VERSION) {
    throw new RegistrationError(`registration: this is format ${version}, known is ${VERSION}; update this program`);
  }
  const registration = check({
    chainId: integer("chain"),
    registry: take("registry") as Address,
    owner: take("owner") as Address,
    signer: take("signer") as Hex,
    possession: take("possession") as Hex,
    kind: take("kind") as MeterKind,
    maxPowerW: integer("power"),
    resolution: integer("resolution"),
    ...(fields.has("label") ? { label: take("label") } : {}),
  });
  const [unknown] = fields.keys();
  if (unknown !== undefined) throw new RegistrationError(`registration: nobody here knows the parameter "${unknown}"`);
  return registration;
}

function check(registration: MeterRegistration): MeterRegistration {
  const { chainId, registry, owner, signer, possession, kind, maxPowerW, resolution, label } = registration;
  if (!Number.isSafeInteger(chainId) || chainId <= 0) fail("chain", "a positive integer");
  if (!ADDRESS.test(registry)) fail("registry", "an address");
  if (!ADDRESS.test(owner)) fail("owner", "an address");
  if (!SIGNER.test(signer)) fail("signer", "20 bytes (address) or 84 bytes (P-256 verifier and key)");
  if (!SIGNATURE.test(possession)) fail("possession", "a signature of 64 or 65 bytes");
  if (!METER_KINDS.includes(kind)) fail("kind", `one of ${METER_KINDS.join(", ")}`);
  for (const [name, value] of Object.entries({ power: maxPowerW, resolution })) {
    if (!Number.isInteger(value) || value < 1 || value > MAX_UINT32) fail(name, `an integer from 1 to ${MAX_UINT32}`);
  }
  if (label !== undefined && (label.length > MAX_LABEL || /\p{C}/u.test(label))) {
    fail("label", `text of at most ${MAX_LABEL} characters without control characters`);
  }
  return registration;
}

function decode(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return fail(name, "percent-encoded text");
  }
}

function fail(name: string, expected: string): never {
  throw new RegistrationError(`registration: ${name} must be ${expected}`);
}
