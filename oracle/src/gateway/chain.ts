import { type Deployment, type RegistryDomain, TYPES } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import {
  type Hex,
  type PublicClient,
  hashTypedData,
  hexToBigInt,
  isAddressEqual,
  parseAbi,
  parseEventLogs,
  recoverAddress,
  size,
  slice,
} from "viem";
import { REJECTIONS, type Zone, revertOf } from "../chain/index.ts";
import type { SignedReading } from "../metering/index.ts";
import type { KnownMeter } from "./check.ts";
import { type BatchResult, type Head, type InboxChain, keyOf } from "./inbox.ts";
import type { SignedTelemetry } from "./wire.ts";

/** ERC-7913; the registry is the verifier of P-256 keys. */
const VERIFIER = parseAbi(["function verify(bytes key, bytes32 hash, bytes signature) view returns (bytes4)"]);
const VERIFIES = "0x024ad318";
const ADDRESS_BYTES = 20;
/** A secure element's signature: r‖s. */
const ELEMENT_BYTES = 64;
/** Of secp256k1. */
const HALF_OF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

export interface RegistryOptions {
  client: PublicClient;
  zone: Zone;
  deployment: Deployment;
  domain: RegistryDomain;
}

/** The registry on chain, as the inbox needs it. */
export class RegistryOnChain implements InboxChain {
  readonly #options: RegistryOptions;
  /** By meter and epoch; a key never changes within its epoch. */
  readonly #signers = new Map<string, Hex>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  async head(): Promise<Head> {
    const { timestamp, gasLimit } = await this.#options.client.getBlock({ blockTag: "latest" });
    return { timestamp: Number(timestamp), gasLimit };
  }

  async meter(meterId: number): Promise<KnownMeter | undefined> {
    try {
      return await this.#options.zone.meter(meterId);
    } catch (error) {
      if (revertOf(error)?.name === "UnknownMeter") return undefined;
      throw error;
    }
  }

  signed({ signature, ...message }: SignedReading): Promise<boolean> {
    const digest = hashTypedData({ domain: this.#options.domain, types: TYPES, primaryType: "Reading", message });
    return this.#verifies(message, digest, signature);
  }

  signedTelemetry({ telemetry: message, signature }: SignedTelemetry): Promise<boolean> {
    const digest = hashTypedData({ domain: this.#options.domain, types: TYPES, primaryType: "Telemetry", message });
    return this.#verifies(message, digest, signature);
  }

  async report(readings: SignedReading[]): Promise<BatchResult | undefined> {
    const { client, zone, deployment } = this.#options;
    const outcome = await zone.report(readings);
    if (outcome.status === "skipped") return undefined;
    if (outcome.status !== "mined") {
      const why = "reason" in outcome ? `: ${outcome.reason}` : "";
      throw new Error(`the transaction with ${readings.length} readings was ${outcome.status}${why}`);
    }
    const receipt = await client.getTransactionReceipt({ hash: outcome.hash });
    const logs = receipt.logs.filter(({ address }) => isAddressEqual(address, deployment.contracts.MeterRegistry));
    const refusals = new Map<string, string | undefined>();
    for (const { eventName, args } of parseEventLogs({ abi: meterRegistryAbi, logs })) {
      if (eventName === "ReadingAccepted") refusals.set(keyOf(args), undefined);
      else if (eventName === "ReadingRejected")
        refusals.set(keyOf(args), REJECTIONS[args.reason] ?? `reason ${args.reason}`);
    }
    return { transaction: outcome.hash, refusals, gasUsed: receipt.gasUsed };
  }

  async #verifies({ meterId, epoch }: { meterId: number; epoch: number }, hash: Hex, signature: Hex): Promise<boolean> {
    const key = `${meterId}:${epoch}`;
    const signer = this.#signers.get(key) ?? (await this.#options.zone.signerOf(meterId, epoch));
    if (size(signer) === 0) return false;
    this.#signers.set(key, signer);
    if (size(signer) === ADDRESS_BYTES) {
      if (!isCanonical(signature)) return false;
      try {
        return isAddressEqual(await recoverAddress({ hash, signature }), signer);
      } catch {
        return false; // r, s or v outside of the curve: no signature at all
      }
    }
    // The verifier would take a longer one, the registry does not.
    if (size(signature) !== ELEMENT_BYTES) return false;
    const { client, deployment } = this.#options;
    const address = deployment.contracts.MeterRegistry;
    const publicKey: Hex = `0x${signer.slice(2 + 2 * ADDRESS_BYTES)}`;
    const args = [publicKey, hash, signature] as const;
    return (await client.readContract({ address, abi: VERIFIER, functionName: "verify", args })) === VERIFIES;
  }
}

/** Of the forms of a secp256k1 signature the one that the registry takes: s in the lower half of the order, v 27 or 28. */
function isCanonical(signature: Hex): boolean {
  if (size(signature) !== 65) return false;
  const v = hexToBigInt(slice(signature, 64));
  return hexToBigInt(slice(signature, 32, 64)) <= HALF_OF_ORDER && (v === 27n || v === 28n);
}
