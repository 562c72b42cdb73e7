import type { Command } from "./command.ts";

interface Entry {
  summary: string;
  /** Loaded when it is called: what a command does not need, it does not carry. */
  load: () => Promise<{ default: Command }>;
}

/** Every command, in the order of the help. A new one is a file in `commands/` and a line here. */
export const commands: Readonly<Record<string, Entry>> = {
  init: { summary: "write a configuration", load: () => import("./commands/init.ts") },
  run: { summary: "run the oracle", load: () => import("./commands/run.ts") },
  doctor: { summary: "check computer, keys, chain and devices", load: () => import("./commands/doctor.ts") },
  status: { summary: "show what the running oracle sees and does", load: () => import("./commands/status.ts") },
  drivers: { summary: "list the drivers for relays and meters", load: () => import("./commands/drivers.ts") },
  "test-relay": {
    summary: "close one relay for some seconds and open it again",
    load: () => import("./commands/test-relay.ts"),
  },
  "relays-off": { summary: "open every relay of a configuration", load: () => import("./commands/relays-off.ts") },
  "meter replace": {
    summary: "go on with another meter, or with one that was reset",
    load: () => import("./commands/meter-replace.ts"),
  },
  "keys new": { summary: "make a key in an encrypted file", load: () => import("./commands/keys-new.ts") },
  "keys import": { summary: "encrypt an existing key", load: () => import("./commands/keys-import.ts") },
  "keys show": { summary: "print the address of a key", load: () => import("./commands/keys-show.ts") },
  "keys qr": {
    summary: "show the application for a meter's registration as a QR code",
    load: () => import("./commands/keys-qr.ts"),
  },
  possession: {
    summary: "sign for the registration of a meter that its device holds the key",
    load: () => import("./commands/possession.ts"),
  },
  keeper: { summary: "clear, settle and close for everybody", load: () => import("./commands/keeper.ts") },
  agent: { summary: "trade for a household by its preferences", load: () => import("./commands/agent.ts") },
  simulate: { summary: "run a simulated micro-grid", load: () => import("./commands/simulate.ts") },
};
