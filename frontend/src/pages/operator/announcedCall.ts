/** Reads announced calls back. Pure. */
import type { Address, Deployment, Hex } from "@ioe/protocol";
import { meterRegistryAbi, tariffAbi } from "@ioe/protocol/abi";
import { decodeFunctionData, encodeFunctionData } from "viem";
import type { Call } from "../../wallet/index.ts";

/** What an announced call would do, for those that this page announces. `call` does it. */
export type KnownCall = { call: Call } & (
  | { kind: "register"; owner: Address; meterKind: number; maxPowerW: number }
  | { kind: "rotateSigner"; meterId: number; fromSlot: number }
  | { kind: "setActive"; meterId: number; active: boolean }
  | { kind: "setTariff"; fromSlot: number; feedIn: bigint; retail: bigint; gridFee: bigint }
);

/** @returns undefined for a call that another program has announced. */
export function readCall(
  { target, data }: { target: Address; data: Hex },
  { MeterRegistry, Tariff }: Pick<Deployment["contracts"], "MeterRegistry" | "Tariff">,
): KnownCall | undefined {
  const isAt = (contract: Address) => target.toLowerCase() === contract.toLowerCase();
  try {
    if (isAt(Tariff)) return readTariff(Tariff, data);
    if (isAt(MeterRegistry)) return readRegistry(MeterRegistry, data);
  } catch {
    // not a call of this contract: it would revert
  }
  return undefined;
}

type Contracts = Parameters<typeof readCall>[1];

/**
 * Whether two calls want the same. The slot from which it is to hold does not count: it moves on from slot to slot while
 * a form is open, so that what was announced a slot ago would seem to be another call.
 */
export function isSameIntent(
  one: { target: Address; data: Hex },
  other: { target: Address; data: Hex },
  contracts: Contracts,
): boolean {
  const isSameTarget = one.target.toLowerCase() === other.target.toLowerCase();
  return isSameTarget && withoutSlot(one, contracts) === withoutSlot(other, contracts);
}

/** A call's data, whenever it is to hold from. */
function withoutSlot(from: { target: Address; data: Hex }, contracts: Contracts): Hex {
  const known = readCall(from, contracts);
  if (!known || !("fromSlot" in known)) return from.data;
  const { abi, functionName, args } = known.call;
  return encodeFunctionData({ abi, functionName, args: args.with(known.kind === "setTariff" ? 0 : 1, 0) });
}

/**
 * Whether the contract no longer takes the call, since the slot from which it is to hold is too near or over: it can only
 * be announced again, with another slot.
 * @param notice slots between a change of prices and the first slot it may hold for
 */
export function isTooLate(known: KnownCall | undefined, current: number, notice: number): boolean {
  if (known?.kind === "setTariff") return known.fromSlot < current + notice;
  return known?.kind === "rotateSigner" && known.fromSlot <= current;
}

function readTariff(address: Address, data: Hex): KnownCall | undefined {
  const { functionName: kind, args } = decodeFunctionData({ abi: tariffAbi, data });
  if (kind !== "setTariff") return undefined;
  const [fromSlot, feedIn, retail, gridFee] = args;
  return { kind, fromSlot, feedIn, retail, gridFee, call: { address, abi: tariffAbi, functionName: kind, args } };
}

function readRegistry(address: Address, data: Hex): KnownCall | undefined {
  const { functionName: kind, args } = decodeFunctionData({ abi: meterRegistryAbi, data });
  const again = { address, abi: meterRegistryAbi, functionName: kind, args: args ?? [] };
  if (kind === "register") return { kind, owner: args[0], meterKind: args[1], maxPowerW: args[2], call: again };
  if (kind === "rotateSigner") return { kind, meterId: args[0], fromSlot: args[1], call: again };
  if (kind === "setActive") return { kind, meterId: args[0], active: args[1], call: again };
  return undefined;
}
