import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { mqttBroker, mqttTopic, unguarded } from "../schemas.ts";
import { openMqttLink } from "../transport/mqtt.ts";
import { DeviceError, type DriverInfo, type RelayDriver } from "../types.ts";
import { Conversation } from "./conversation.ts";
import { type TimedSwitch, timedRelay } from "./timed.ts";

/** A relay with the Tasmota firmware, over MQTT with its default full topic (%prefix%/%topic%/). */
export const tasmotaSchema = z.strictObject({
  driver: z.literal("tasmota"),
  ...mqttBroker,
  topic: mqttTopic,
  /** Number of the relay, from 1. */
  channel: z.int().min(1).max(8).default(1),
  /** Time the device gets for one answer, ms. */
  timeoutMs: z.int().min(50).max(10_000).default(1_500),
  settleMs: z.int().min(0).max(5_000).default(500),
  unguarded,
});
export type TasmotaConfig = z.infer<typeof tasmotaSchema>;
export const tasmotaInfo: DriverInfo = {
  kind: "relay",
  driver: "tasmota",
  summary: "relays and plugs with the Tasmota firmware over MQTT",
  needs:
    "a broker; on the device the default full topic, SetOption4 0, PowerOnState 0 and PowerRetain 0; a password in a file of mode 0600 " +
    "when the broker wants one",
  guard: "the device's own PulseTime, set and verified before the contact closes, and started anew with every renewal",
  example: `driver: tasmota
broker: mqtt://192.168.1.10:1883
user: ioe
passwordFile: ./mqtt.password
topic: tasmota_A1B2C3
channel: 1
`,
};

/** PulseTime 112 to 64900 is 12 s to 64 800 s, offset by 100; 1 to 111 is tenths of a second (Commands, Control). */
const OFFSET_S = 100;
const LONGEST_TENTHS = 111;
const MAX_TIMER_S = 3_600;

/** Value of PulseTime for a time in whole seconds. */
export function pulseTime(seconds: number): number {
  return seconds * 10 <= LONGEST_TENTHS ? seconds * 10 : seconds + OFFSET_S;
}

export function createTasmotaRelay(
  config: TasmotaConfig,
  { name = `relay ${config.channel} of ${config.topic}`, clock = systemClock }: { name?: string; clock?: Clock } = {},
): RelayDriver {
  const { topic, channel } = config;
  const link = openMqttLink(name, config);
  const talk = new Conversation(link, {
    name,
    timeoutMs: config.timeoutMs,
    online: { topic: `tele/${topic}/LWT`, text: "Online" },
    answers: `stat/${topic}/RESULT`,
  });
  const ask = (command: string, payload: string, key: string, qos: 0 | 1, signal?: AbortSignal) =>
    talk.ask({ topic: `cmnd/${topic}/${command}`, text: payload, qos, signal }, (answer) =>
      key in answer ? answer : undefined,
    );
  const power = `POWER${channel}`;
  // With one relay the device leaves the number away.
  const position = (answer: Record<string, unknown>) => answer[power] ?? (channel === 1 ? answer.POWER : undefined);
  const switched = (payload: string, qos: 0 | 1, signal?: AbortSignal) =>
    talk.ask({ topic: `cmnd/${topic}/Power${channel}`, text: payload, qos, signal }, position);
  const timer = async (payload: string, signal?: AbortSignal): Promise<{ set: number; remaining: number }> => {
    const key = `PulseTime${channel}`;
    const answer = await ask(key, payload, key, 1, signal);
    const { Set: set, Remaining: remaining } = (answer[key] ?? {}) as { Set?: number; Remaining?: number };
    if (typeof set !== "number" || typeof remaining !== "number")
      throw new DeviceError(name, "does not tell its PulseTime; update its firmware (8 or later)");
    return { set, remaining };
  };
  const device: TimedSwitch = {
    maxTimerS: MAX_TIMER_S,
    prepare: async (signal) => {
      const { PowerOnState: state } = await ask("PowerOnState", "", "PowerOnState", 1, signal);
      if (state === 0 || state === "OFF") return;
      const change = "PowerOnState 0";
      throw new DeviceError(
        name,
        `has PowerOnState ${String(state)} and would close by itself after a loss of power; in its console: ${change}`,
      );
    },
    on: async (seconds, signal) => {
      const wanted = pulseTime(seconds);
      // Written only when it differs: it is a setting, kept in flash.
      if ((await timer("", signal)).set !== wanted && (await timer(String(wanted), signal)).set !== wanted)
        throw new DeviceError(name, `does not take PulseTime ${wanted}: without it nothing would open the contact`);
      await switched("ON", 0, signal);
    },
    off: async () => {
      await switched("OFF", 1);
    },
    status: async (signal) => {
      const on = (await switched("", 1, signal)) === "ON";
      return { on, timed: on && (await timer("", signal)).remaining > 0 };
    },
    dispose: () => {
      talk.stop();
      link.release();
      return Promise.resolve();
    },
  };
  return timedRelay(device, { name, clock, settleMs: config.settleMs });
}
