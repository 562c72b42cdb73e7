import { type Reading, type RegistryDomain, TYPES, type Telemetry } from "@ioe/protocol";
import type { LocalAccount } from "viem";

/** Signs with the meter's own key, for one registry on one chain. */
export class MeterKey {
  readonly #account: LocalAccount;
  readonly #domain: RegistryDomain;

  constructor(account: LocalAccount, domain: RegistryDomain) {
    this.#account = account;
    this.#domain = domain;
  }

  reading(message: Reading): Promise<`0x${string}`> {
    return this.#account.signTypedData({ domain: this.#domain, types: TYPES, primaryType: "Reading", message });
  }

  telemetry(message: Telemetry): Promise<`0x${string}`> {
    return this.#account.signTypedData({ domain: this.#domain, types: TYPES, primaryType: "Telemetry", message });
  }
}

/** Proof for the registration that the device holds its key; see IMeterRegistry.register. */
export function signPossession(
  account: LocalAccount,
  domain: RegistryDomain,
  owner: `0x${string}`,
): Promise<`0x${string}`> {
  return account.signTypedData({ domain, types: TYPES, primaryType: "Possession", message: { owner } });
}
