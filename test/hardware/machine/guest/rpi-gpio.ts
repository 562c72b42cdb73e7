/** Relays of the driver `rpi-gpio` by name: `node rpi-gpio.ts NAME '{"relay": CONFIG, …}'`. */
import { createRpiGpioRelay, rpiGpioSchema } from "../../../../oracle/src/hardware/relay/rpi-gpio.ts";
import { serve } from "./serve.ts";

const [name = "", configs = ""] = process.argv.slice(2);
const relays = new Map(
  Object.entries(JSON.parse(configs) as Record<string, unknown>).map(([relay, config]) => [
    relay,
    createRpiGpioRelay(rpiGpioSchema.parse(config), { name: `relay ${relay}` }),
  ]),
);

serve(name, {
  open: (relay) => relays.get(relay)!.open(),
  close: (relay, leaseMs) => relays.get(relay)!.close(Number(leaseMs)),
  state: (relay) => relays.get(relay)!.state(),
  dispose: (relay) => relays.get(relay)!.dispose(),
});
