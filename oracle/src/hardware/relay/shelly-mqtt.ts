import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { mqttBroker, mqttTopic, unguarded } from "../schemas.ts";
import { openMqttLink } from "../transport/mqtt.ts";
import { DeviceError, type DriverInfo, type RelayDriver } from "../types.ts";
import { Conversation } from "./conversation.ts";
import { type Rpc, rpcSwitch } from "./shelly.ts";
import { timedRelay } from "./timed.ts";

/**
 * A relay by Shelly behind a broker, second and later generations. The first one takes no timer over MQTT (its topic
 * relay/0/command knows on, off and toggle only): it is used over HTTP.
 */
export const shellyMqttSchema = z.strictObject({
  driver: z.literal("shelly-mqtt"),
  ...mqttBroker,
  /** The device's MQTT prefix. */
  topic: mqttTopic,
  channel: z.int().min(0).max(15).default(0),
  timeoutMs: z.int().min(50).max(10_000).default(1_500),
  settleMs: z.int().min(0).max(5_000).default(500),
  unguarded,
});
export type ShellyMqttConfig = z.infer<typeof shellyMqttSchema>;
export const shellyMqttInfo: DriverInfo = {
  kind: "relay",
  driver: "shelly-mqtt",
  summary:
    "relays and plugs by Shelly of the second and later generations over MQTT; the first has no timer there: driver shelly",
  needs:
    'a broker; on the device "RPC over MQTT", a clean session, off after a loss of power; a password in a file of mode 0600 ' +
    "when the broker wants one",
  guard: "the device's own off-timer, which comes with the request that closes the contact and with every renewal",
  example: `driver: shelly-mqtt
broker: mqtt://192.168.1.10:1883
user: ioe
passwordFile: ./mqtt.password
topic: shellyplus1-a8032abe54dc
channel: 0
`,
};

export function createShellyMqttRelay(
  config: ShellyMqttConfig,
  { name = `relay ${config.channel} of ${config.topic}`, clock = systemClock }: { name?: string; clock?: Clock } = {},
): RelayDriver {
  const { topic, channel, timeoutMs } = config;
  const link = openMqttLink(name, config);
  const src = `ioe-${randomBytes(4).toString("hex")}`;
  const talk = new Conversation(link, {
    name,
    timeoutMs,
    online: { topic: `${topic}/online`, text: "true" },
    answers: `${src}/rpc`,
  });
  let last = 0;
  /** JSON-RPC 2.0 frames: https://shelly-api-docs.shelly.cloud/gen2/General/RPCProtocol. */
  const rpc: Rpc = async (method, params, { asks, signal }) => {
    const id = ++last;
    const text = JSON.stringify({ id, src, method, params });
    const frame = await talk.ask({ topic: `${topic}/rpc`, text, qos: params.on === true ? 0 : 1, signal }, (answer) =>
      answer.id === id ? answer : undefined,
    );
    const { result, error } = frame as { result?: Record<string, unknown>; error?: { message?: string } };
    if (result) return result;
    throw new DeviceError(name, `refuses when asked to ${asks}: ${error?.message ?? "no reason given"}; check channel`);
  };
  const device = rpcSwitch(name, rpc, channel, "http://DEVICE/rpc");
  const dispose = () => {
    talk.stop();
    link.release();
    return Promise.resolve();
  };
  return timedRelay({ ...device, dispose }, { name, clock, settleMs: config.settleMs });
}
