import type { Message, MqttLink } from "../transport/mqtt.ts";
import { DeviceError } from "../types.ts";

type Json = Record<string, unknown>;

export interface ConversationOptions {
  readonly name: string;
  /** Time the device gets for one answer, ms. */
  readonly timeoutMs: number;
  /** The device's last will, retained, and what it says while the device is there. */
  readonly online: { readonly topic: string; readonly text: string };
  /** Where the device answers. */
  readonly answers: string;
}

export interface Question {
  readonly topic: string;
  readonly text: string;
  /** 0 for what closes a contact: a broker keeps it for nobody. 1 for what opens one. */
  readonly qos: 0 | 1;
  readonly signal?: AbortSignal | undefined;
}

/** Questions to a device behind a broker and its answers. Retained answers are none: they are from before. */
export class Conversation {
  readonly #link: MqttLink;
  readonly #options: ConversationOptions;
  readonly #subscriptions: { stop(): void }[];
  readonly #waiting = new Set<(answer: Json) => void>();
  #online: boolean | undefined;
  #heard: (() => void)[] = [];

  constructor(link: MqttLink, options: ConversationOptions) {
    this.#link = link;
    this.#options = options;
    const { online, answers } = options;
    this.#subscriptions = [
      link.subscribe(online.topic, ({ text }) => {
        this.#online = text === online.text;
        for (const heard of this.#heard.splice(0)) heard();
      }),
      link.subscribe(answers, (message) => this.#onAnswer(message)),
    ];
  }

  /**
   * Asks, and waits for the first answer that fits.
   * @throws DeviceError when broker or device are not there or the device does not answer in time; the signal's reason.
   */
  async ask<T>({ topic, text, qos, signal }: Question, fits: (answer: Json) => T | undefined): Promise<T> {
    const { name, timeoutMs } = this.#options;
    await this.#link.ready(timeoutMs);
    await this.#presence();
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const listener = (answer: Json) => {
      const found = fits(answer);
      if (found !== undefined) resolve(found);
    };
    const late = setTimeout(
      () =>
        reject(new DeviceError(name, `did not answer within ${timeoutMs} ms on ${this.#options.answers}; check topic`)),
      timeoutMs,
    );
    const aborted = () => reject(signal!.reason as Error);
    signal?.addEventListener("abort", aborted, { once: true });
    this.#waiting.add(listener);
    try {
      this.#link.publish(topic, text, qos);
      return await promise;
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", aborted);
      this.#waiting.delete(listener);
    }
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  /** The broker tells at once what it has retained; a device it knows nothing of has never been there. */
  async #presence(): Promise<void> {
    const { name, timeoutMs, online } = this.#options;
    if (this.#online === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#heard.push(resolve);
      const timer = setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
    }
    if (this.#online === undefined)
      throw new DeviceError(
        name,
        `the broker has never heard of it (${online.topic}); check topic, and MQTT in the device`,
      );
    if (!this.#online) throw new DeviceError(name, "is offline, says the broker; check its power and its network");
  }

  #onAnswer({ text, retained }: Message): void {
    if (retained) return;
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      return; // somebody else's
    }
    if (typeof answer !== "object" || answer === null) return;
    for (const listener of [...this.#waiting]) listener(answer as Json);
  }
}
