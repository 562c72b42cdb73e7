/** EIP-712 texts that meters sign; the contract's twin is MeterRegistry. */

export const TYPES = {
  Reading: [
    { name: "meterId", type: "uint32" },
    { name: "epoch", type: "uint16" },
    { name: "since", type: "uint40" },
    { name: "takenAt", type: "uint40" },
    { name: "imported", type: "uint64" },
    { name: "exported", type: "uint64" },
  ],
  /** A new device proves that it holds its key: the domain binds chain and registry, the message the owner. */
  Possession: [{ name: "owner", type: "address" }],
  /** The current key hands over to the next one. */
  Rotation: [
    { name: "meterId", type: "uint32" },
    { name: "epoch", type: "uint16" },
    { name: "fromSlot", type: "uint40" },
    { name: "signerHash", type: "bytes32" },
  ],
  /** Live figures for people; never settled. `powerW` is positive when the meter exports. */
  Telemetry: [
    { name: "meterId", type: "uint32" },
    { name: "epoch", type: "uint16" },
    { name: "takenAt", type: "uint40" },
    { name: "powerW", type: "int32" },
    { name: "imported", type: "uint64" },
    { name: "exported", type: "uint64" },
  ],
} as const;

export interface Reading {
  meterId: number;
  epoch: number;
  since: number;
  takenAt: number;
  imported: bigint;
  exported: bigint;
}

export interface Telemetry {
  meterId: number;
  epoch: number;
  takenAt: number;
  powerW: number;
  imported: bigint;
  exported: bigint;
}

/** One server-sent event of `GET /v1/meters/:id/live`; integers that may outgrow a double are decimal strings. */
export interface LiveEvent {
  telemetry: Omit<Telemetry, "imported" | "exported"> & { imported: string; exported: string };
  signature: `0x${string}`;
  /** Positions the oracle sees, for the display only; not signed. */
  relays: Record<string, "open" | "closed">;
  deliveryId?: string;
  /** What a battery's own gauge says, for the display only; not signed. State of charge in thousandths, 0 to 1000. */
  battery?: { stateOfCharge: number; capacityWh: number };
}

export interface RegistryDomain {
  name: "IoE MeterRegistry";
  version: "1";
  chainId: number;
  verifyingContract: `0x${string}`;
  salt: `0x${string}`;
}

/** @param salt the community's random salt (`MeterRegistry.eip712Domain`): a rebuilt local chain is another world. */
export function registryDomain(chainId: number, registry: `0x${string}`, salt: `0x${string}`): RegistryDomain {
  return { name: "IoE MeterRegistry", version: "1", chainId, verifyingContract: registry, salt };
}
