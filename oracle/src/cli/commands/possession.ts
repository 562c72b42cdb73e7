import { isAddress } from "viem";
import { Zone, createChainClient } from "../../chain/index.ts";
import { loadDeployment, loadKey } from "../../config/index.ts";
import { signPossession } from "../../metering/index.ts";
import { UsageError, command } from "../command.ts";

export default command({
  options: {
    key: { value: "FILE", required: true, help: "file of the meter's key" },
    deployment: { value: "FILE", required: true, help: "deployment file of the zone" },
    owner: { value: "ADDRESS", required: true, help: "who will own the meter" },
  },
  run: async ({ key: keyPath, deployment: deploymentPath, owner }) => {
    if (!isAddress(owner)) throw new UsageError(`--owner ${owner} is not an address`);
    const key = loadKey(keyPath);
    const deployment = loadDeployment(deploymentPath);
    const { domain } = await new Zone(createChainClient([deployment.rpcUrl]), deployment).constants();
    process.stdout.write(`signer ${key.address}\npossession ${await signPossession(key, domain, owner)}\n`);
  },
});
