import { type Deployment, type RegistryDomain, registryDomain } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi } from "@ioe/protocol/abi";
import type { Abi, PublicClient } from "viem";
import type { Outbox, Outcome } from "./outbox.ts";

/** A meter as the registry knows it; see IMeterRegistry.MeterInfo. */
export interface MeterState {
  active: boolean;
  maxPowerW: number;
  resolution: bigint;
  epoch: number;
  epochFromSlot: number;
  lastTakenAt: number;
  /** Registers of that reading, energy units. */
  imported: bigint;
  exported: bigint;
}

/** A delivery and both witnesses, all of one block. */
export interface DeliveryState {
  energy: bigint;
  delivered: bigint;
  startSlot: number;
  deadlineSlot: number;
  /** Unix seconds. */
  deadline: number;
  closed: boolean;
  sellerTakenAt: number;
  buyerTakenAt: number;
  /** The coarser one's of both meters, as registered, energy units. */
  resolution: bigint;
}

interface Parties {
  id: bigint;
  sellerMeterId: number;
  buyerMeterId: number;
}

export interface ZoneConstants {
  slotDuration: number;
  grace: number;
  unitsPerKWh: bigint;
  domain: RegistryDomain;
}

export interface SignedReading {
  meterId: number;
  epoch: number;
  since: number;
  takenAt: number;
  imported: bigint;
  exported: bigint;
  signature: `0x${string}`;
}

/** The zone's contracts, as far as the oracle deals with them. */
export class Zone {
  readonly #client: PublicClient;
  readonly #deployment: Deployment;
  readonly #outbox: Outbox | undefined;

  /** @param outbox may be left out by those who only read. */
  constructor(client: PublicClient, deployment: Deployment, outbox?: Outbox) {
    this.#client = client;
    this.#deployment = deployment;
    this.#outbox = outbox;
  }

  async constants(): Promise<ZoneConstants> {
    const { chainId } = this.#deployment;
    const registry = this.#registry();
    const [slotDuration, grace, unitsPerKWh, domain] = await Promise.all([
      this.#client.readContract({ ...registry, functionName: "slotDuration" }),
      this.#client.readContract({ ...registry, functionName: "grace" }),
      this.#client.readContract({ ...registry, functionName: "unitsPerKWh" }),
      this.#client.readContract({ ...registry, functionName: "eip712Domain" }),
    ]);
    return {
      slotDuration,
      grace,
      unitsPerKWh: BigInt(unitsPerKWh),
      domain: registryDomain(chainId, registry.address, domain[5]),
    };
  }

  /** @throws viem's ContractFunctionExecutionError when the meter is unknown. */
  async meter(meterId: number, blockNumber?: bigint): Promise<MeterState> {
    const info = await this.#client.readContract({
      ...this.#registry(),
      functionName: "meterOf",
      args: [meterId],
      blockNumber,
    });
    const { active, maxPowerW, epoch, epochFromSlot, lastTakenAt, imported, exported } = info;
    const resolution = BigInt(info.resolution);
    return { active, maxPowerW, resolution, epoch, epochFromSlot, lastTakenAt, imported, exported };
  }

  /** Bytes of the key that signs in an epoch; 20 bytes are an address. */
  signerOf(meterId: number, epoch: number): Promise<`0x${string}`> {
    return this.#client.readContract({ ...this.#registry(), functionName: "signerOf", args: [meterId, epoch] });
  }

  /** Whether the account may end deliveries of the meter early. */
  mayTrade(meterId: number, account: `0x${string}`): Promise<boolean> {
    return this.#client.readContract({ ...this.#registry(), functionName: "mayTrade", args: [meterId, account] });
  }

  /**
   * All asked at once: a relay waits for it.
   * @throws when the purchase is not the one the chain has under its number: a reorg is being taken in.
   */
  async delivery({ id, sellerMeterId, buyerMeterId }: Parties, blockNumber?: bigint): Promise<DeliveryState> {
    const market = this.#market();
    const [delivery, seller, buyer] = await Promise.all([
      this.#client.readContract({ ...market, functionName: "deliveryOf", args: [id], blockNumber }),
      this.meter(sellerMeterId, blockNumber),
      this.meter(buyerMeterId, blockNumber),
    ]);
    if (delivery.sellerMeterId !== sellerMeterId || delivery.buyerMeterId !== buyerMeterId)
      throw new Error(`delivery ${id} is not between meters ${sellerMeterId} and ${buyerMeterId} on this chain`);
    return {
      energy: BigInt(delivery.energy),
      delivered: BigInt(delivery.delivered),
      startSlot: delivery.startSlot,
      deadlineSlot: delivery.deadlineSlot,
      deadline: delivery.deadline,
      closed: delivery.closed,
      sellerTakenAt: seller.lastTakenAt,
      buyerTakenAt: buyer.lastTakenAt,
      resolution: seller.resolution > buyer.resolution ? seller.resolution : buyer.resolution,
    };
  }

  /** Energy the auction's clearing had accepted of an order in a block; nothing of an order that is cancelled, void or settled. */
  async fillOf(orderId: bigint, blockNumber: bigint): Promise<bigint> {
    const address = this.#deployment.contracts.CallAuction;
    const question = { address, abi: callAuctionAbi, functionName: "fillOf", args: [orderId], blockNumber } as const;
    return BigInt(await this.#client.readContract(question));
  }

  /** Sends readings in one transaction; `skipped` when the chain would take none of them. */
  report(readings: SignedReading[]): Promise<Outcome> {
    const structs = readings.map(({ signature: _, ...reading }) => reading);
    const signatures = readings.map(({ signature }) => signature);
    return this.#send("report", this.#registry(), "report", [structs, signatures], (accepted) => accepted !== 0n);
  }

  settle(deliveryId: bigint, slot: number): Promise<Outcome> {
    return this.#send(`settle ${deliveryId} slot ${slot}`, this.#market(), "settle", [deliveryId, slot]);
  }

  close(deliveryId: bigint): Promise<Outcome> {
    return this.#send(`close ${deliveryId}`, this.#market(), "close", [deliveryId]);
  }

  #send(
    label: string,
    contract: { address: `0x${string}`; abi: Abi },
    functionName: string,
    args: readonly unknown[],
    worthwhile?: (result: unknown) => boolean,
  ): Promise<Outcome> {
    if (!this.#outbox) throw new Error("this zone was opened for reading only");
    return this.#outbox.send(label, { ...contract, functionName, args }, worthwhile);
  }

  #registry() {
    return { address: this.#deployment.contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  }

  #market() {
    return { address: this.#deployment.contracts.DirectMarket, abi: directMarketAbi } as const;
  }
}
