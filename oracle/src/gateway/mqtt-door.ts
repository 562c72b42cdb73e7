import mqtt, { type IPublishPacket, type MqttClient } from "mqtt";
import type { Clock } from "../clock.ts";
import { brokerOptions, explainBroker } from "../hardware/index.ts";
import { stringify } from "../http.ts";
import type { Logger } from "../log.ts";
import { type Desk, Refusal, type Reply, tooLarge } from "./desk.ts";
import { Limiter } from "./limiter.ts";
import { type MqttGatewayConfig, topicsOf } from "./mqtt-topics.ts";
import { LARGEST_BODY } from "./wire.ts";

export interface MqttDoorOptions {
  config: MqttGatewayConfig;
  /** Messages of all senders per second, on average, ten seconds' worth at once: a broker does not say who sent one. */
  requestsPerSecond: number;
  desk: Desk;
  clock: Clock;
  log: Logger;
}

/** Readings that wait for their transaction at the same time. */
const MOST_WAITING = 4_000;
const KEEPALIVE_S = 30;
/** An answer that nobody fetches is forgotten by the broker, s. */
const ANSWER_EXPIRES_S = 30;
/** A broker that is gone does not hold up the end, ms; it says "offline" by itself then. */
const LAST_WORDS_MS = 500;
/** Room for topics and properties around the largest body, bytes. */
const FRAME = 2_048;

/**
 * The desk's door for MQTT 5, at a broker. A message is what a body is over HTTP:
 *
 *   PREFIX/v1/readings    qos 1, with response topic and correlation data → answered there, like POST /v1/readings
 *   PREFIX/v1/telemetry   qos 0 → answered only when it is refused
 *   PREFIX/v1/state       retained: online or offline
 *
 * An answer is the JSON of HTTP's with `status` in it. Answers go below PREFIX/v1/answers/ only: the response topic is the
 * sender's word, and this door may well be allowed to write where the sender is not. Retained messages are old ones.
 */
export class MqttDoor {
  readonly #options: MqttDoorOptions;
  readonly #topics: ReturnType<typeof topicsOf>;
  readonly #limiter: Limiter<"all">;
  readonly #stop = new AbortController();
  #client: MqttClient | undefined;
  #waiting = 0;
  #trouble: string | undefined;

  constructor(options: MqttDoorOptions) {
    this.#options = options;
    const { requestsPerSecond: perSecond, clock } = options;
    this.#topics = topicsOf(options.config.topic);
    this.#limiter = new Limiter({ burst: perSecond * 10, perSecond }, clock);
  }

  /** Connects, and goes on trying while the broker is not there. @throws when a file it needs cannot be used. */
  start(): void {
    const { config, log } = this.#options;
    const { broker, user } = config;
    const { readings, telemetry, state } = this.#topics;
    const client = mqtt.connect(broker, {
      ...brokerOptions("gateway.mqtt", config),
      protocolVersion: 5,
      keepalive: KEEPALIVE_S,
      properties: { maximumPacketSize: LARGEST_BODY + FRAME },
      will: { topic: state, payload: Buffer.from("offline"), qos: 1, retain: true },
    });
    this.#client = client;
    client
      .on("connect", () => {
        this.#trouble = undefined;
        client.subscribe({ [readings]: { qos: 1, rh: 2 }, [telemetry]: { qos: 0, rh: 2 } }, (error) => {
          if (error) return this.#note(`does not let us subscribe: ${error.message}`);
          client.publish(state, "online", { qos: 1, retain: true });
          log.info("gateway.broker", { broker, topic: config.topic });
        });
      })
      .on("error", (error) => this.#note(explainBroker(error, user)))
      .on("close", () => this.#note("closed the connection"))
      .on("message", (topic, payload, packet) => void this.#take(topic, payload, packet));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    const client = this.#client;
    if (!client) return;
    if (client.connected) {
      const said = client.publishAsync(this.#topics.state, "offline", { qos: 1, retain: true });
      await Promise.race([said, this.#options.clock.sleep(LAST_WORDS_MS)]).catch(() => undefined);
    }
    await client.endAsync(true);
  }

  /** Once for each trouble. */
  #note(trouble: string): void {
    const { config, log } = this.#options;
    if (this.#stop.signal.aborted || this.#trouble !== undefined) return;
    this.#trouble = trouble;
    log.warn("gateway.broker-unreachable", { broker: config.broker, reason: `the broker ${trouble}` });
  }

  async #take(topic: string, payload: Buffer, packet: IPublishPacket): Promise<void> {
    if (packet.retain) return;
    const { desk } = this.#options;
    const reply = await desk.reply(() => {
      if (payload.length > LARGEST_BODY) throw tooLarge();
      if (!this.#limiter.take("all")) throw new Refusal(429, "too many messages at this gateway; try another one");
      const text = payload.toString("utf8");
      return topic === this.#topics.telemetry ? desk.takeTelemetry(text) : this.#wait(text);
    });
    if (reply.body) this.#answer(reply, packet);
  }

  async #wait(text: string): Promise<Reply> {
    if (this.#waiting >= MOST_WAITING) throw new Refusal(503, "too many readings wait here; try another gateway");
    this.#waiting++;
    try {
      return await this.#options.desk.takeReadings(text, this.#stop.signal);
    } finally {
      this.#waiting--;
    }
  }

  #answer({ status, body }: Reply, { properties }: IPublishPacket): void {
    const { responseTopic = "", correlationData } = properties ?? {};
    if (!responseTopic.startsWith(this.#topics.answers) || /[+#]/.test(responseTopic) || !this.#client?.connected)
      return;
    this.#client.publish(responseTopic, stringify({ status, ...body }), {
      qos: 1,
      properties: { messageExpiryInterval: ANSWER_EXPIRES_S, ...(correlationData && { correlationData }) },
    });
  }
}
