import { getAddress } from "viem";
import { createChainClient } from "../chain/index.ts";
import { type OracleConfig, bareKeys, loadDeployment, loadKey } from "../config/index.ts";
import { askOracle, socketPath } from "../control/index.ts";
import { addressIn, isKeystore, readKeyFile } from "../keys/index.ts";
import { reasonOf } from "../log.ts";
import { checkZone } from "./chain.ts";
import { checkHardware } from "./devices.ts";
import { type Finding, error, ok, warning } from "./finding.ts";
import { type Host, thisHost } from "./host.ts";
import { checkSystem } from "./system.ts";

export type { Finding } from "./finding.ts";

const PING_MS = 2_000;
/** Registers are only shown and compared: without the chain the usual unit will do. */
const USUAL_UNITS_PER_KWH = 1_000n;

/** Looks at everything an oracle needs: the computer, its keys, the chain and, unless an oracle runs, the devices. */
export async function examine(config: OracleConfig, host: Host = thisHost()): Promise<Finding[]> {
  const findings = await checkSystem(host, config);
  let unitsPerKWh = USUAL_UNITS_PER_KWH;
  try {
    const deployment = loadDeployment(config.chain.deployment);
    const { keys } = config;
    const addresses = {
      meter: addressOf("keys.meter", keys.meter, keys.passwordFile),
      sender: keys.sender === undefined ? undefined : addressOf("keys.sender", keys.sender, keys.passwordFile),
    };
    const bare = bareKeys(keys, deployment.chainId);
    findings.push(...bare.map((text) => warning("keys", text, "encrypt it: ioe keys import --from FILE --out NEW")));
    if (bare.length === 0) findings.push(ok("keys", `meter ${addresses.meter}, sender ${addresses.sender ?? "none"}`));
    const zone = await checkZone(createChainClient(config.chain.rpcUrls), config, deployment, addresses);
    findings.push(...zone.findings);
    if (zone.unitsPerKWh !== undefined) ({ unitsPerKWh } = zone);
  } catch (reason) {
    findings.push(error("files", reasonOf(reason), "put the file there, or fix its path in the configuration"));
  }
  const running = await askOracle(socketPath(config.journal), "ping", PING_MS).catch(reasonOf);
  if (running === undefined) findings.push(...(await checkHardware(config, unitsPerKWh)));
  else if (typeof running === "object") {
    findings.push(ok("oracle", `runs (process ${running.pid}) and has the devices; see: ioe status`));
  } else {
    findings.push(warning("oracle", `seems to run, but ${running}`, "ask as the same user: sudo -u ioe ioe doctor"));
  }
  return findings;
}

/** Address of a key. A keystore tells it without its password, which is tried only when there is a file with it. */
function addressOf(name: string, path: string, passwordFile: string | undefined): `0x${string}` {
  const text = readKeyFile(path, name);
  const address = isKeystore(text) && passwordFile === undefined ? addressIn(text) : undefined;
  return address ? getAddress(address) : loadKey(path, name, passwordFile).address;
}
