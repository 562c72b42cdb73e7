import { readFileSync } from "node:fs";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { readPassword } from "../secret.ts";
import { DeviceError } from "../types.ts";

/** A broker and how it lets us in. */
export interface Broker {
  /** mqtt://host:1883 or, with TLS, mqtts://host:8883. */
  readonly broker: string;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** Certificate of the authority that signed the broker's, when the system does not know it. */
  readonly caFile?: string | undefined;
}

export interface Message {
  readonly topic: string;
  readonly text: string;
  /** Kept by the broker from some time before: it tells nothing about now. */
  readonly retained: boolean;
}

/** A device's share in the one connection to its broker. */
export interface MqttLink {
  /** Calls back for every message of a topic until `stop` is called. The broker is asked again after a reconnect. */
  subscribe(topic: string, listener: (message: Message) => void): { stop(): void };
  /**
   * Sends at once or not at all: nothing is kept for later, neither here nor, with qos 0, at the broker. Never retained.
   * @throws DeviceError when there is no connection.
   */
  publish(topic: string, text: string, qos: 0 | 1): void;
  /** Waits for the connection. @throws DeviceError when there is none within so many ms. */
  ready(timeoutMs: number): Promise<void>;
  release(): void;
}

const connections = new Map<string, Connection>();
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A broker that is silent for 1.5 times this long is gone, s. */
const KEEPALIVE_S = 5;

/** The shared connection to a broker. @throws DeviceError when a file it needs cannot be used. */
export function openMqttLink(device: string, broker: Broker): MqttLink {
  const options = brokerOptions(device, broker);
  const key = JSON.stringify([broker.broker, broker.user, broker.passwordFile, broker.caFile]);
  const connection = connections.get(key) ?? new Connection(broker, options);
  connections.set(key, connection);
  connection.users++;
  let released = false;
  return {
    subscribe: (topic, listener) => connection.subscribe(topic, listener),
    publish: (topic, text, qos) => connection.publish(device, topic, text, qos),
    ready: (timeoutMs) => connection.ready(device, timeoutMs),
    release: () => {
      if (released) return;
      released = true;
      if (--connection.users > 0) return;
      connections.delete(key);
      connection.close();
    },
  };
}

class Connection {
  users = 0;
  readonly #where: string;
  readonly #client: MqttClient;
  readonly #listeners = new Map<string, Set<(message: Message) => void>>();
  /** Topic → its newest text: the broker repeats what it has retained for a connection's first subscription only. */
  readonly #newest = new Map<string, string>();
  #trouble: string | undefined;

  constructor({ broker, user }: Broker, options: IClientOptions) {
    this.#where = broker;
    this.#client = mqtt.connect(broker, { ...options, keepalive: KEEPALIVE_S });
    this.#client
      .on("connect", () => (this.#trouble = undefined))
      .on("error", (error) => (this.#trouble = explainBroker(error, user)))
      .on("close", () => {
        this.#trouble ??= "closed the connection";
        this.#newest.clear();
      })
      .on("message", (topic, payload, { retain }) => {
        const message = { topic, text: payload.toString("utf8"), retained: retain };
        this.#newest.set(topic, message.text);
        for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(message);
      });
  }

  subscribe(topic: string, listener: (message: Message) => void): { stop(): void } {
    const listeners = this.#listeners.get(topic) ?? new Set();
    if (listeners.size === 0) this.#client.subscribe(topic, { qos: 1 }, () => undefined);
    this.#listeners.set(topic, listeners.add(listener));
    const newest = this.#newest.get(topic);
    if (newest !== undefined) queueMicrotask(() => listener({ topic, text: newest, retained: true }));
    return {
      stop: () => {
        listeners.delete(listener);
        if (listeners.size > 0 || this.#listeners.get(topic) !== listeners) return;
        this.#listeners.delete(topic);
        this.#newest.delete(topic);
        this.#client.unsubscribe(topic, () => undefined);
      },
    };
  }

  publish(device: string, topic: string, text: string, qos: 0 | 1): void {
    if (!this.#client.connected) throw this.#unreachable(device);
    this.#client.publish(topic, text, { qos, retain: false }, () => undefined);
  }

  async ready(device: string, timeoutMs: number): Promise<void> {
    if (this.#client.connected) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const connected = () => resolve();
    const timer = setTimeout(connected, timeoutMs);
    this.#client.once("connect", connected);
    await promise;
    clearTimeout(timer);
    this.#client.off("connect", connected);
    if (!this.#client.connected) throw this.#unreachable(device);
  }

  close(): void {
    // What was published a moment ago, an opening above all, goes out first.
    this.#client.end(false);
  }

  #unreachable(device: string): DeviceError {
    const why = this.#trouble ?? "does not answer; check host, port and network";
    return new DeviceError(device, `the broker ${this.#where} ${why}`);
  }
}

/** How every connection to a broker is made. @throws DeviceError when a file it needs cannot be used. */
export function brokerOptions(device: string, { user, passwordFile, caFile }: Broker): IClientOptions {
  return {
    username: user,
    password: readPassword(device, passwordFile),
    ca: caFile === undefined ? undefined : readCa(device, caFile),
    clean: true,
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A command that waits for a connection would be carried out at a time nobody expects.
    queueQoSZero: false,
    reconnectOnConnackError: true,
  };
}

function readCa(device: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new DeviceError(device, `caFile ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** What is wrong with a broker, after "the broker". */
export function explainBroker(error: Error, user: string | undefined): string {
  const { code } = error as { code?: number | string };
  // Return codes of MQTT 3.1.1, section 3.2.2.3, and reason codes of MQTT 5, section 3.2.2.2.
  if (code === 1 || code === 132) return "does not speak this version of MQTT; use one that does, such as Mosquitto 2";
  if (code === 4 || code === 5 || code === 134 || code === 135) {
    return user === undefined
      ? "wants a user; set user and passwordFile"
      : `does not let user ${user} in; check user, passwordFile and the broker's list`;
  }
  if (code === "ECONNREFUSED") return "cannot be reached: nothing listens there; check host and port";
  if (typeof code === "string" && /CERT|SELF_SIGNED|ISSUER|ALTNAME/.test(code)) {
    return `shows a certificate that is not trusted (${code}); set caFile to that of its authority, and use the name in it`;
  }
  return `cannot be talked to (${code ?? error.message}); check broker, network and TLS`;
}
