import { randomBytes } from "node:crypto";
import mqtt, { type IPublishPacket, type MqttClient } from "mqtt";
import { brokerOptions, explainBroker } from "../hardware/index.ts";
import type { Gateway, GatewayAnswer } from "./client.ts";
import { type MqttGatewayConfig, topicsOf } from "./mqtt-topics.ts";

/** Bytes; no answer of a gateway is longer. */
const LARGEST_PACKET = 65_536;
const KEEPALIVE_S = 30;
/** A broker is waited for this long, ms; a gateway that takes part says at once whether it is there. */
const CONNECT_MS = 5_000;

/**
 * A gateway behind a broker (MQTT 5). The connection is kept; nothing is queued while there is none, so the courier goes
 * on to the next gateway at once.
 */
export class MqttGateway implements Gateway {
  readonly name: string;
  readonly #config: MqttGatewayConfig;
  readonly #topics: ReturnType<typeof topicsOf>;
  readonly #clientId = `ioe-${randomBytes(8).toString("hex")}`;
  readonly #waiting = new Map<string, PromiseWithResolvers<GatewayAnswer>>();
  #client: MqttClient | undefined;
  #trouble: string | undefined;
  /** What the gateway, or the broker in its name, said last. */
  #state: string | undefined;
  readonly #changed = new Set<() => void>();

  constructor(config: MqttGatewayConfig) {
    this.name = `${config.broker.replace(/\/\/[^@/]*@/, "//")}/${config.topic}`;
    this.#config = config;
    this.#topics = topicsOf(config.topic);
  }

  async ask(kind: "readings" | "telemetry", text: string, timeoutMs: number): Promise<GatewayAnswer> {
    const client = await this.#online(Math.min(timeoutMs, CONNECT_MS));
    if (kind === "telemetry") {
      client.publish(this.#topics.telemetry, text, { qos: 0 });
      return { status: 204, text: "" };
    }
    const correlationData = randomBytes(8);
    const key = correlationData.toString("hex");
    const waiting = Promise.withResolvers<GatewayAnswer>();
    const { promise, reject } = waiting;
    const timer = setTimeout(() => reject(new Error(`does not answer within ${timeoutMs} ms`)), timeoutMs);
    this.#waiting.set(key, waiting);
    try {
      client.publish(
        this.#topics.readings,
        text,
        {
          qos: 1,
          properties: {
            responseTopic: this.#answers,
            correlationData,
            messageExpiryInterval: Math.ceil(timeoutMs / 1_000),
          },
        },
        (error) => error && reject(error),
      );
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }

  async probe(timeoutMs: number): Promise<void> {
    await this.#online(timeoutMs);
  }

  stop(): void {
    this.#client?.end(true);
  }

  get #answers(): string {
    return `${this.#topics.answers}${this.#clientId}`;
  }

  /** The connection, when gateway and broker are there. @throws when they are not. */
  async #online(timeoutMs: number): Promise<MqttClient> {
    const client = (this.#client ??= this.#connect());
    const isKnown = () => client.connected && this.#state !== undefined;
    if (!isKnown()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      const look = () => isKnown() && resolve();
      this.#changed.add(look);
      await promise;
      clearTimeout(timer);
      this.#changed.delete(look);
    }
    if (!client.connected) throw this.#unreachable();
    if (this.#state === "online") return client;
    const why = this.#state === undefined ? "has never been there; check topic" : `is ${this.#state}`;
    throw new Error(`the gateway ${why}`);
  }

  #unreachable(): Error {
    return new Error(`the broker ${this.#trouble ?? "does not answer; check host, port and network"}`);
  }

  #connect(): MqttClient {
    const { state } = this.#topics;
    const client = mqtt.connect(this.#config.broker, {
      ...brokerOptions("gateways", this.#config),
      protocolVersion: 5,
      clientId: this.#clientId,
      keepalive: KEEPALIVE_S,
      properties: { maximumPacketSize: LARGEST_PACKET },
    });
    client
      .on("connect", () => {
        this.#trouble = undefined;
        client.subscribe([state, this.#answers], { qos: 1 }, () => undefined);
      })
      .on("error", (error) => (this.#trouble = explainBroker(error, this.#config.user)))
      .on("close", () => {
        this.#state = undefined;
        this.#trouble ??= "closed the connection";
        this.#giveUp(this.#unreachable());
      })
      .on("message", (topic, payload, packet) => this.#take(topic, payload, packet));
    return client;
  }

  /** Ends every wait at once. What was sent may arrive all the same; sent again, it does no harm. */
  #giveUp(why: Error): void {
    for (const { reject } of this.#waiting.values()) reject(why);
  }

  #take(topic: string, payload: Buffer, { properties }: IPublishPacket): void {
    const text = payload.toString("utf8");
    if (topic === this.#topics.state) {
      this.#state = text;
      if (text !== "online") this.#giveUp(new Error(`the gateway is ${text}`));
      for (const look of this.#changed) look();
      return;
    }
    const answer = this.#waiting.get(properties?.correlationData?.toString("hex") ?? "");
    answer?.resolve({ status: statusIn(text), text });
  }
}

/** 502 for an answer that is none. */
function statusIn(text: string): number {
  try {
    const { status } = JSON.parse(text) as { status?: unknown };
    return typeof status === "number" ? status : 502;
  } catch {
    return 502;
  }
}
