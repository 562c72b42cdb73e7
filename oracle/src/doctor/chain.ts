import type { Deployment } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import type { PublicClient } from "viem";
import { Zone, checkMeter, checkNodes, checkSender, checkStanding } from "../chain/index.ts";
import type { OracleConfig } from "../config/index.ts";
import { gatewayOf } from "../gateway/index.ts";
import { reasonOf } from "../log.ts";
import { type Finding, error, ok, warning } from "./finding.ts";

const PATIENCE_MS = 5_000;

export interface Addresses {
  meter: `0x${string}`;
  /** Left out when gateways pay. */
  sender: `0x${string}` | undefined;
}

/**
 * The chain as the oracle would find it at its start, step by step.
 * @returns the findings, and the zone's energy unit when it could be asked.
 */
export async function checkZone(
  client: PublicClient,
  config: OracleConfig,
  deployment: Deployment,
  addresses: Addresses,
): Promise<{ findings: Finding[]; unitsPerKWh?: bigint }> {
  const findings: Finding[] = [];
  const step = async (check: string, todo: string, work: () => Promise<Finding>): Promise<boolean> => {
    const finding = await work().catch((reason: unknown) => error(check, reasonOf(reason), todo));
    findings.push(finding);
    return finding.level !== "error";
  };
  const zone = new Zone(client, deployment);
  const { rpcUrls } = config.chain;
  const identity = { meterId: config.meter.id, meterKey: addresses.meter, sender: addresses.sender };

  const silent: string[] = [];
  const reached = await step("chain", "check the network, chain.rpcUrls and chain.deployment", async () => {
    silent.push(...(await checkNodes(deployment, rpcUrls)));
    return ok("chain", `chain ${deployment.chainId}, contracts found, block ${await client.getBlockNumber()}`);
  });
  if (!reached) return { findings };
  findings.push(...silent.map((text) => warning("chain", text, "check the network and chain.rpcUrls")));

  const { unitsPerKWh } = await zone.constants();
  const registered = await step("registration", "show the operator the QR code: ioe help keys qr", async () => {
    try {
      await checkMeter(zone, identity);
    } catch (reason) {
      const id = await meterOf(client, deployment, addresses.meter);
      if (id === undefined) throw reason;
      return error("registration", `keys.meter belongs to meter ${id}, not ${config.meter.id}`, `set meter.id: ${id}`);
    }
    return ok("registration", `meter ${config.meter.id} signs with ${addresses.meter}`);
  });
  if (registered) findings.push(...(await standing(zone, identity)));
  findings.push(await checkPurse(client, config, addresses.sender));
  return { findings, unitsPerKWh };
}

/** Somebody has to pay for what reaches the chain: the oracle itself, or a gateway. */
async function checkPurse(
  client: PublicClient,
  { gateways }: OracleConfig,
  sender: Addresses["sender"],
): Promise<Finding> {
  const answers = await Promise.all(gateways.map(probe));
  const reached = answers.filter(({ trouble }) => trouble === undefined);
  if (reached.length > 0) return ok("gas", `gateway ${reached.map(({ name }) => name).join(", ")} answers`);
  const troubles = answers.map(({ name, trouble }) => `${name}: ${trouble}`);
  const silent = troubles.length > 0 ? `no gateway answers (${troubles.join("; ")})` : "";
  if (sender === undefined) return error("gas", silent, "check the network and the section gateways");
  const todo = `send some of the chain's coin to ${sender}`;
  try {
    const [low] = await checkSender(client, sender);
    if (low) return warning("gas", low, todo);
    return silent
      ? warning("gas", `${silent}; the oracle pays itself`, "check the section gateways")
      : ok("gas", "enough");
  } catch (reason) {
    return error("gas", reasonOf(reason), todo);
  }
}

async function probe(config: OracleConfig["gateways"][number]): Promise<{ name: string; trouble?: string }> {
  const gateway = gatewayOf(config);
  const { name } = gateway;
  try {
    await gateway.probe(PATIENCE_MS);
    return { name };
  } catch (error) {
    return { name, trouble: reasonOf(error) };
  } finally {
    gateway.stop();
  }
}

async function standing(zone: Zone, identity: Parameters<typeof checkStanding>[1]): Promise<Finding[]> {
  const warnings = await checkStanding(zone, identity);
  if (warnings.length === 0) return [ok("standing", "the meter is active, and its trader may close deliveries")];
  return warnings.map((text) => warning("standing", text, "ask the operator (activity) or the meter's owner (trader)"));
}

/** Number of the meter that was registered with this key; nothing when there is none or the node does not say. */
async function meterOf(client: PublicClient, deployment: Deployment, signer: string): Promise<number | undefined> {
  const events = await client
    .getContractEvents({
      address: deployment.contracts.MeterRegistry,
      abi: meterRegistryAbi,
      eventName: "MeterRegistered",
      fromBlock: BigInt(deployment.deploymentBlock),
    })
    .catch(() => []);
  return events.find(({ args }) => args.signer?.toLowerCase() === signer.toLowerCase())?.args.meterId;
}
