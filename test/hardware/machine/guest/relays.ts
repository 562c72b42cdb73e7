/** Relays of the driver `gpio` by name: `node relays.ts NAME '{"relay": CONFIG, …}'`. */
import { createGpioRelay, gpioSchema } from "../../../../oracle/src/hardware/relay/gpio.ts";
import { block, serve } from "./serve.ts";

const [name = "", configs = ""] = process.argv.slice(2);
const relays = new Map(
  Object.entries(JSON.parse(configs) as Record<string, unknown>).map(([relay, config]) => [
    relay,
    createGpioRelay(gpioSchema.parse(config), { name: `relay ${relay}` }),
  ]),
);

serve(name, {
  open: (relay) => relays.get(relay)!.open(),
  close: (relay, leaseMs) => relays.get(relay)!.close(Number(leaseMs)),
  state: (relay) => relays.get(relay)!.state(),
  dispose: (relay) => relays.get(relay)!.dispose(),
  block,
  memory: () => process.memoryUsage().rss,
});
