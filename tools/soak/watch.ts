/** Looks at the running world again and again: what the registry booked, and how much memory the processes hold. */
import { MemoryWatch } from "../../bench/rss.ts";
import { slotOf } from "../../protocol/src/slots.ts";
import { type Ground, pause } from "./ground.ts";

export interface Booking {
  readonly exported: bigint;
  readonly imported: bigint;
}

export interface SlotBooking extends Booking {
  readonly complete: boolean;
}

export class Watch {
  /** What the registry shows of slots that can no longer change, by slot and meter. */
  readonly bookings = new Map<number, Map<number, SlotBooking>>();
  /** Each process, anew for each start: "oracle-3 1234" → what it held. */
  readonly memory = new Map<string, MemoryWatch>();
  readonly #ground: Ground;
  readonly #first: number;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#first = slotOf(Math.floor(Date.now() / 1_000), ground.world.zone.slotDuration);
  }

  get firstSlot(): number {
    return this.#first;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#weigh();
      await this.book();
      await pause(10);
    }
  }

  /** Takes the slots whose grace has ended since the last time; reorgs do not reach as far back as a slot. */
  async book(): Promise<void> {
    const { world, households } = this.#ground;
    const { slotDuration, grace } = world.zone;
    const { registry } = await world.contracts();
    const last = slotOf((await world.now()) - grace - slotDuration, slotDuration) - 1;
    // Before the first slot the households only began; nothing flowed.
    for (let slot = this.#first; slot <= last; slot++) {
      if (this.bookings.has(slot)) continue;
      const entries = households.map(async (n): Promise<[number, SlotBooking]> => {
        const { exported, imported, complete } = await registry.energyIn(n, slot);
        return [n, { exported, imported, complete }];
      });
      this.bookings.set(slot, new Map(await Promise.all(entries)));
    }
  }

  #weigh(): void {
    const { world, households } = this.#ground;
    for (const name of [...households.map((n) => `oracle-${n}`), "keeper"]) {
      const pid = world.pidOf(name);
      if (pid === undefined) continue;
      const watch = this.memory.get(`${name} ${pid}`) ?? new MemoryWatch(pid);
      try {
        watch.sample();
      } catch {
        continue; // It has just ended.
      }
      this.memory.set(`${name} ${pid}`, watch);
    }
  }
}
