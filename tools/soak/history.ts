/** Everything that happened on the chain that is left in the end, in its order. */
import type { BaseContract, EventLog } from "ethers";
import type { Ground } from "./ground.ts";

export interface Happening {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly block: number;
  /** Of its block, Unix seconds. */
  readonly at: number;
}

export class History {
  readonly #happenings: readonly Happening[];

  private constructor(happenings: readonly Happening[]) {
    this.#happenings = happenings;
  }

  static async read(ground: Ground): Promise<History> {
    const { world } = ground;
    const { registry, vault, market, auction } = await world.contracts();
    const from = world.deployment.deploymentBlock;
    const logs: EventLog[] = [];
    for (const contract of [registry, vault, market, auction] as unknown as BaseContract[])
      for (const log of await contract.queryFilter("*", from)) if ("args" in log) logs.push(log);
    logs.sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
    const times = await blockTimes(ground, new Set(logs.map(({ blockNumber }) => blockNumber)));
    return new History(
      logs.map((log) => ({
        name: log.eventName,
        args: log.args.toObject(),
        block: log.blockNumber,
        at: times.get(log.blockNumber)!,
      })),
    );
  }

  /** All, or those of some names. */
  of(...names: string[]): readonly Happening[] {
    return names.length === 0 ? this.#happenings : this.#happenings.filter(({ name }) => names.includes(name));
  }
}

const AT_ONCE = 50;

async function blockTimes({ world }: Ground, blocks: ReadonlySet<number>): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  const numbers = [...blocks];
  for (let i = 0; i < numbers.length; i += AT_ONCE) {
    await Promise.all(
      numbers.slice(i, i + AT_ONCE).map(async (number) => {
        times.set(number, (await world.ethers.provider.getBlock(number))!.timestamp);
      }),
    );
  }
  return times;
}
