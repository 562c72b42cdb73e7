import { z } from "zod";
import { mqttBroker, mqttTopic } from "../hardware/index.ts";

/** A gateway behind a broker, and how the broker lets us in. */
export const mqttGateway = z.strictObject({ ...mqttBroker, topic: mqttTopic.default("ioe") });
export type MqttGatewayConfig = z.infer<typeof mqttGateway>;

/** A gateway's topics. Its state is retained: `online`, or `offline`, which the broker says for it when it is gone. */
export function topicsOf(prefix: string) {
  return {
    state: `${prefix}/v1/state`,
    readings: `${prefix}/v1/readings`,
    telemetry: `${prefix}/v1/telemetry`,
    answers: `${prefix}/v1/answers/`,
  };
}
