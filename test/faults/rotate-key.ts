import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Wallet } from "ethers";
import { LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import type { Hex } from "../../protocol/src/deployment.ts";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { registryDomain, TYPES } from "../../protocol/src/typedData.ts";
import { householdDir } from "../../tools/world.ts";
import type { World } from "../system/world.ts";

/** The operator gives a meter a new key; when its first slot runs, it lies in the oracle's file, for the next start. */
export async function rotateKey(world: World, n: number): Promise<void> {
  const { registry } = await world.contracts();
  const operator = (await world.ethers.getSigners())[LOCAL_ACCOUNTS.operator]!;
  const key = Wallet.createRandom();
  const { chainId, contracts } = world.deployment;
  const domain = registryDomain(chainId, contracts.MeterRegistry, (await registry.eip712Domain()).salt as Hex);
  const { address: owner } = await world.owner(n);
  const possession = await key.signTypedData(domain, { Possession: [...TYPES.Possession] }, { owner });
  const { slotDuration } = world.zone;
  const isRotated = async () => {
    const { epoch } = await registry.meterOf(n);
    return (await registry.signerOf(n, epoch)).toLowerCase() === key.address.toLowerCase();
  };
  // A reorganization can take it back.
  while (!(await isRotated())) await rotate();
  await writeFile(join(householdDir(world.dir, n), "meter.key"), `${key.privateKey}\n`);

  async function rotate(): Promise<void> {
    const from = slotOf(Math.floor(Date.now() / 1_000), slotDuration) + 2;
    await (await registry.connect(operator).rotateSigner(n, from, key.address, possession, "0x")).wait();
    const firstSecond = endOf(from - 1, slotDuration) + 1;
    await new Promise((done) => setTimeout(done, (firstSecond + 1) * 1_000 - Date.now()));
  }
}
