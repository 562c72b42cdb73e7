import { parseEther, toQuantity } from "ethers";
import { lagging, type Meddle, NodeError } from "../../../test/faults/rpc-proxy.ts";
import { reorganize } from "../../../test/system/anvil.ts";
import { type Ground, pause } from "../ground.ts";
import type { Fault } from "./fault.ts";

export const CHAIN_FAULTS: readonly Fault[] = [
  {
    name: "node gone",
    weight: 4,
    strike: async ({ lines }, n, random) => {
      lines.get(n)!.cut();
      await pause(random.within(3, 45));
      lines.get(n)!.mend();
    },
  },
  {
    name: "slow node",
    weight: 2,
    strike: async ({ lines }, n, random) => {
      const line = lines.get(n)!;
      line.delayMs = random.within(200, 3_000);
      await pause(random.within(10, 30));
      line.delayMs = 0;
    },
  },
  {
    name: "node lags by three blocks",
    weight: 2,
    strike: (ground, n, random) => meddled(ground, n, random.within(10, 30), lagging(3n)),
  },
  {
    name: "logs empty, then twice",
    weight: 2,
    strike: (ground, n, random) => {
      let emptied = 0;
      return meddled(ground, n, random.within(10, 30), async (call, ask) => {
        const answer = await ask(call);
        if (call.method !== "eth_getLogs") return answer;
        const logs = answer as unknown[];
        return logs.length > 0 && emptied++ === 0 ? [] : [...logs, ...logs];
      });
    },
  },
  {
    name: "transaction underpriced",
    weight: 1,
    strike: (ground, n) => {
      let refused = false;
      return meddled(ground, n, 25, async (call, ask) => {
        if (call.method !== "eth_sendRawTransaction" || refused) return ask(call);
        refused = true;
        throw new NodeError("transaction underpriced");
      });
    },
  },
  {
    name: "foreign nonce",
    weight: 1,
    strike: async (ground, n) => {
      const stranger = (await ground.senderOf(n)).connect(ground.world.ethers.provider);
      // The oracle itself may have been faster with this nonce.
      await stranger.sendTransaction({ to: stranger.address }).catch((error: Error) => {
        if (!/nonce|underpriced/.test(error.message)) throw error;
      });
      await pause(10);
    },
  },
  {
    name: "no coin for gas",
    weight: 1,
    strike: async (ground, n, random) => {
      ground.withoutCoin.add(n);
      await setCoins(ground, n, "0");
      await pause(random.within(20, 50));
      ground.withoutCoin.delete(n);
      await setCoins(ground, n, "10");
    },
  },
  {
    name: "contract says no",
    weight: 1,
    strike: async (ground, n, random) => {
      const { registry } = await ground.world.contracts();
      const owner = registry.connect(await ground.world.owner(n));
      await owner.setTrader(n, ground.world.ethers.ZeroAddress);
      await pause(random.within(20, 50));
      await owner.setTrader(n, (await ground.senderOf(n)).address);
      await pause(3);
    },
  },
  {
    name: "reorg",
    weight: 4,
    common: true,
    meets: ({ canReorg }) => canReorg,
    needs: "anvil, for Hardhat's chain takes no block back",
    strike: async (ground, _n, random) => {
      const depth = random.within(2, 6);
      ground.reorgs.push({ at: Date.now(), depth });
      const { provider } = ground.world.ethers;
      await reorganize((method, params) => provider.send(method, params), depth);
      // Coins that no transaction brought go back with the blocks.
      for (const n of ground.households) await setCoins(ground, n, ground.withoutCoin.has(n) ? "0" : "10");
    },
  },
  {
    name: "no node for anybody",
    weight: 1,
    common: true,
    strike: async ({ lines }, _n, random) => {
      for (const line of lines.values()) line.cut();
      await pause(random.within(5, 30));
      for (const line of lines.values()) line.mend();
    },
  },
  {
    name: "keeper killed",
    weight: 2,
    common: true,
    strike: async ({ world }, _n, random) => {
      await world.stopKeeper("SIGKILL");
      await pause(random.within(3, 40));
      await world.startKeeper();
    },
  },
];

async function meddled({ lines }: Ground, n: number, seconds: number, meddle: Meddle): Promise<void> {
  const line = lines.get(n)!;
  line.meddle = meddle;
  await pause(seconds);
  line.meddle = undefined;
}

async function setCoins(ground: Ground, n: number, coins: string): Promise<void> {
  const { address } = await ground.senderOf(n);
  await ground.world.ethers.provider.send("hardhat_setBalance", [address, toQuantity(parseEther(coins))]);
}
