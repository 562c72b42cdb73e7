import type { MqttClient } from "mqtt";

/** A plug with Tasmota, as its documentation describes it. */
export interface TasmotaPlug {
  on: boolean;
  pulse: number;
  powerOn: number;
  takesPulse: boolean;
  /** Commands that came. */
  readonly log: string[];
}

/**
 * Plugs it in: it says that it is online, and answers.
 * @param house its connection to the broker
 * @param turned is told of its contact
 */
export async function tasmotaPlug(
  house: MqttClient,
  topic: string,
  turned: (on: boolean) => void = () => undefined,
): Promise<TasmotaPlug> {
  const state: TasmotaPlug = { on: false, pulse: 0, powerOn: 0, takesPulse: true, log: [] };
  let offAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const result = (body: object) => house.publish(`stat/${topic}/RESULT`, JSON.stringify(body));
  const seconds = () => (state.pulse > 111 ? state.pulse - 100 : state.pulse / 10);
  const turn = (on: boolean) => {
    clearTimeout(timer);
    state.on = on;
    turned(on);
    offAt = on && state.pulse > 0 ? Date.now() + seconds() * 1_000 : 0;
    if (offAt > 0) timer = setTimeout(() => turn(false), seconds() * 1_000);
    result({ POWER: on ? "ON" : "OFF" });
  };
  house.on("message", (from, payload, { retain }) => {
    const command = from.split("/")[2]!;
    if (!from.startsWith(`cmnd/${topic}/`)) return;
    const text = payload.toString();
    state.log.push(`${command} ${text}${retain ? " retained" : ""}`.trim());
    if (command === "PowerOnState") result({ PowerOnState: state.powerOn });
    else if (command === "PulseTime1") {
      if (text !== "" && state.takesPulse) state.pulse = Number(text);
      const left = Math.max(0, Math.ceil((offAt - Date.now()) / 100));
      result({ PulseTime1: { Set: state.pulse, Remaining: left } });
    } else if (command === "Power1" && text === "") result({ POWER: state.on ? "ON" : "OFF" });
    else if (command === "Power1") turn(text === "ON");
  });
  await house.subscribeAsync(`cmnd/${topic}/#`);
  await house.publishAsync(`tele/${topic}/LWT`, "Online", { retain: true, qos: 1 });
  return state;
}
