import { dirname } from "node:path";
import { METER_KINDS, type MeterKind, encodeRegistration } from "@ioe/protocol";
import { encodeQR } from "qr";
import { getAddress, isAddress } from "viem";
import { Zone, checkNodes, createChainClient } from "../../chain/index.ts";
import { loadConfig, loadDeployment, loadKey } from "../../config/index.ts";
import { createMeter } from "../../hardware/index.ts";
import { signPossession } from "../../metering/index.ts";
import { CONFIG, UsageError, command } from "../command.ts";

export default command({
  details: `
Shows a QR code and, below it, the same as text. The operator's page of the dApp reads either and registers the meter. It
holds the device's signature for this owner on this chain, and no secret. Power and resolution come from the section meter
of the configuration; meter.id does not matter yet. The terminal should be at least 80 columns wide.`,
  options: {
    config: CONFIG,
    owner: { value: "ADDRESS", required: true, help: "account that will own the meter and get its money" },
    kind: { value: "KIND", required: true, help: `what stands behind the meter: ${METER_KINDS.join(", ")}` },
    label: { value: "TEXT", help: "what the owner calls it, for the operator" },
    text: { help: "only the text, no QR code" },
  },
  run: async ({ config: path, owner, kind, label, text: onlyText }) => {
    if (!isAddress(owner)) throw new UsageError(`--owner ${owner} is not an address`);
    if (!isKind(kind)) throw new UsageError(`--kind ${kind} must be one of ${METER_KINDS.join(", ")}`);
    const config = loadConfig(path);
    const deployment = loadDeployment(config.chain.deployment);
    const key = loadKey(config.keys.meter, "keys.meter", config.keys.passwordFile);
    const { rpcUrls } = config.chain;
    for (const warning of await checkNodes(deployment, rpcUrls)) process.stderr.write(`${warning}\n`);
    const { domain, unitsPerKWh } = await new Zone(createChainClient(rpcUrls), deployment).constants();
    const meter = createMeter(config.meter, { unitsPerKWh, stateDir: dirname(config.journal) });
    const { resolution } = meter;
    await meter.dispose();
    const text = encodeRegistration({
      chainId: deployment.chainId,
      registry: deployment.contracts.MeterRegistry,
      owner: getAddress(owner),
      signer: key.address,
      possession: await signPossession(key, domain, getAddress(owner)),
      kind,
      maxPowerW: Math.ceil(config.meter.maxPowerW),
      resolution: Number(resolution),
      label,
    });
    process.stdout.write(onlyText ? `${text}\n` : `${drawn(text)}\n\n${text}\n`);
  },
});

/** Half blocks: two rows of modules in one line of text. A block is a light module, whatever the terminal's colours are. */
function drawn(text: string): string {
  const rows = encodeQR(text, "ascii", { ecc: "low", border: 2 }).trimEnd().split("\n");
  return rows.map((row) => (process.stdout.isTTY ? `\x1b[97;40m${row}\x1b[0m` : row)).join("\n");
}

function isKind(kind: string): kind is MeterKind {
  return METER_KINDS.some((known) => known === kind);
}
