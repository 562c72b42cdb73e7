import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { http, unguarded } from "../schemas.ts";
import { readPassword } from "../secret.ts";
import { HttpLink } from "../transport/http.ts";
import { DeviceError, type DriverInfo, type RelayDriver } from "../types.ts";
import { type TimedSwitch, timedRelay } from "./timed.ts";

/** A relay by Shelly over HTTP: the first generation with its REST interface, all later ones with their RPC. */
export const shellyRelaySchema = z.strictObject({
  driver: z.literal("shelly"),
  ...http,
  /** 1, or 2 for the second and all later ones (Plus, Pro, Gen3, Gen4). */
  generation: z.union([z.literal(1), z.literal(2)]),
  channel: z.int().min(0).max(15).default(0),
  /** Time a contact gets to reach its position, ms. */
  settleMs: z.int().min(0).max(5_000).default(500),
  unguarded,
});
export type ShellyRelayConfig = z.infer<typeof shellyRelaySchema>;
export const shellyRelayInfo: DriverInfo = {
  kind: "relay",
  driver: "shelly",
  summary: "relays and plugs by Shelly over HTTP; generation: 2 is for the second and all later ones (Plus, Pro, Gen3)",
  needs:
    "the device in reach over the network, set to stay off after a loss of power, its input detached or not connected; " +
    "a password in a file of mode 0600 when the device has one",
  guard: "the device's own off-timer, which comes with the request that closes the contact and with every renewal",
  example: `driver: shelly
host: 192.168.1.70
generation: 2
channel: 0
passwordFile: ./shelly.password
`,
};

/** Longest time of either generation's timer that is given here, s: more would be no guard. */
const MAX_TIMER_S = 3_600;

export function createShellyRelay(
  config: ShellyRelayConfig,
  { name = `relay ${config.channel} of ${config.host}`, clock = systemClock }: { name?: string; clock?: Clock } = {},
): RelayDriver {
  const link = new HttpLink(name, { ...config, password: readPassword(name, config.passwordFile) });
  const device =
    config.generation === 1
      ? firstGeneration(name, link, config.channel)
      : rpcSwitch(name, httpRpc(link), config.channel, `http://${config.host}/rpc`);
  return timedRelay(device, { name, clock, settleMs: config.settleMs });
}

/** https://shelly-api-docs.shelly.cloud/gen1/: /relay/{i}?turn&timer, /settings/relay/{i}. */
function firstGeneration(name: string, link: HttpLink, channel: number): TimedSwitch {
  const path = `/relay/${channel}`;
  return {
    maxTimerS: MAX_TIMER_S,
    prepare: async (signal) => {
      const { default_state: state } = await link.get(`/settings${path}`, { asks: "show its settings", signal });
      if (state !== "off")
        throw new DeviceError(name, staysOff(state, `http://DEVICE/settings${path}?default_state=off`));
    },
    on: async (seconds, signal) => {
      await link.get(`${path}?turn=on&timer=${seconds}`, { asks: `switch on for ${seconds} s`, signal });
    },
    off: async () => {
      await link.get(`${path}?turn=off`, { asks: "switch off" });
    },
    status: async (signal) => {
      const { ison, has_timer: hasTimer } = await link.get(path, { asks: "show its state", signal });
      if (typeof ison !== "boolean") throw new DeviceError(name, "does not tell its state (ison); check generation");
      return { on: ison, timed: hasTimer === true };
    },
  };
}

/** A call of an RPC method of the second generation, over whatever transport. */
export type Rpc = (
  method: string,
  params: Readonly<Record<string, number | boolean>>,
  request: { asks: string; signal?: AbortSignal },
) => Promise<Record<string, unknown>>;

export function httpRpc(link: HttpLink): Rpc {
  return (method, params, request) => {
    const query = Object.entries(params).map(([key, value]) => `${key}=${value}`);
    return link.get(`/rpc/${method}?${query.join("&")}`, request);
  };
}

/** https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Switch: Set with toggle_after, GetStatus, GetConfig. */
export function rpcSwitch(name: string, rpc: Rpc, id: number, where: string): TimedSwitch {
  return {
    maxTimerS: MAX_TIMER_S,
    prepare: async (signal) => {
      const { initial_state: state } = await rpc("Switch.GetConfig", { id }, { asks: "show its settings", signal });
      const change = `${where}/Switch.SetConfig?id=${id}&config={"initial_state":"off"}`;
      if (state !== "off") throw new DeviceError(name, staysOff(state, change));
    },
    on: async (seconds, signal) => {
      const asks = `switch on for ${seconds} s`;
      await rpc("Switch.Set", { id, on: true, toggle_after: seconds }, { asks, signal });
    },
    off: async () => {
      await rpc("Switch.Set", { id, on: false }, { asks: "switch off" });
    },
    status: async (signal) => {
      const { output, timer_duration: timer } = await rpc(
        "Switch.GetStatus",
        { id },
        { asks: "show its state", signal },
      );
      if (typeof output !== "boolean") throw new DeviceError(name, "does not tell its state (output); check channel");
      // Both timer fields are there only while a timer runs.
      return { on: output, timed: typeof timer === "number" && timer > 0 };
    },
  };
}

function staysOff(state: unknown, change: string): string {
  return `is set to "${String(state)}" after a loss of power and would close by itself; set it to off: ${change}`;
}
