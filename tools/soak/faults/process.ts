import { open, rename, rm } from "node:fs/promises";
import { rotateKey } from "../../../test/faults/rotate-key.ts";
import { runNode } from "../../cli.ts";
import { pause } from "../ground.ts";
import type { Fault } from "./fault.ts";

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: "killed (kill -9)",
    weight: 4,
    restarts: true,
    strike: async (ground, n, random) => {
      const { world } = ground;
      await world.stopOracle(n, "SIGKILL");
      await pause(random.within(0, 15));
      await ground.start(n);
    },
  },
  {
    name: "ended (SIGTERM)",
    weight: 2,
    restarts: true,
    strike: async (ground, n, random) => {
      const { world } = ground;
      await world.stopOracle(n);
      await pause(random.within(0, 30));
      await ground.start(n);
    },
  },
  {
    name: "stopped (SIGSTOP)",
    weight: 3,
    strike: async ({ world }, n, random) => {
      world.signalOracle(n, "SIGSTOP");
      await pause(random.within(1, 12));
      world.signalOracle(n, "SIGCONT");
    },
  },
  {
    name: "a second process with the same keys",
    weight: 1,
    strike: async ({ world }, n) => {
      const { code, output } = await runNode("oracle/bin/ioe.mjs", ["run", "--config", world.configOf(n)]);
      if (code === 0 || !/\(process \d+\); stop it first|in use by process \d+/.test(output))
        throw new Error(`it was not refused: code ${code}, ${output}`);
    },
  },
  {
    name: "corrupt journal",
    weight: 1,
    restarts: true,
    strike: async (ground, n) => {
      const { world } = ground;
      await world.stopOracle(n);
      const journal = ground.journalOf(n);
      const file = await open(journal, "r+");
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size - 4_096, 0x5a), 0, size - 4_096, 4_096);
      await file.close();
      const said = await ground.start(n).then(
        () => "started",
        (error: Error) => error.message,
      );
      if (!/is damaged/.test(said)) throw new Error(`a damaged journal was not refused: ${said}`);
      await rename(journal, `${journal}.damaged-${Date.now()}`);
      await rm(`${journal}-wal`, { force: true });
      await ground.start(n);
    },
  },
  {
    name: "disk full",
    weight: 3,
    restarts: true,
    meets: ({ disks }, n) => disks.has(n),
    needs: "root, for a file system of a given size",
    strike: async (ground, n, random) => {
      const disk = ground.disks.get(n)!;
      const died = ground.world.nextLog(n, "died");
      await disk.fill();
      await pause(random.within(5, 40));
      await disk.empty();
      await pause(3);
      // As long as the journal finds room in its own file, it goes on.
      if (ground.world.pidOf(`oracle-${n}`) !== undefined) return;
      const lastWords = String((await died).text);
      if (!/free some space/.test(lastWords)) throw new Error(`with a full disk: ${lastWords}`);
      await ground.start(n);
    },
  },
  {
    name: "wall clock an hour off, or at 1970",
    weight: 3,
    meets: ({ clocks }, n) => clocks.has(n),
    needs: "Debian's package faketime",
    strike: async ({ clocks }, n, random) => {
      const clock = clocks.get(n)!;
      await clock.set(random.pick([3_600, -3_600, 86_400 - Math.floor(Date.now() / 1_000)]));
      await pause(random.within(5, 25));
      await clock.set(0);
    },
  },
  {
    name: "meter's key rotated",
    weight: 1,
    restarts: true,
    strike: async (ground, n) => {
      await rotateKey(ground.world, n);
      await ground.world.stopOracle(n);
      await ground.start(n);
    },
  },
];
