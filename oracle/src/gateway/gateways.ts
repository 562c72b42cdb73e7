import { type Gateway, HttpGateway } from "./client.ts";
import { MqttGateway } from "./mqtt-client.ts";
import { type MqttGatewayConfig, mqttGateway } from "./mqtt-topics.ts";

/** A gateway as the configuration names it: a URL (mqtt://HOST:1883/TOPIC too), or a broker with what it wants. */
export function gatewayOf(config: string | MqttGatewayConfig): Gateway {
  if (typeof config !== "string") return new MqttGateway(config);
  if (!/^mqtts?:/.test(config)) return new HttpGateway(config);
  const url = new URL(config);
  const topic = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, "");
  url.pathname = "";
  return new MqttGateway(mqttGateway.parse({ broker: url.href, ...(topic && { topic }) }));
}
