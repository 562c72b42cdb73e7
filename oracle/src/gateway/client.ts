/** A gateway as a Pi sees it, whatever the way there. */
export interface Gateway {
  /** Without secrets, for the log. */
  readonly name: string;
  /**
   * Hands something in. @returns a status with HTTP's meaning, and the answer's text.
   * @throws when there is no answer within so many ms.
   */
  ask(kind: "readings" | "telemetry", text: string, timeoutMs: number): Promise<GatewayAnswer>;
  /** Whether it is there. @throws when it is not, saying what is wrong. */
  probe(timeoutMs: number): Promise<void>;
  stop(): void;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly text: string;
}

/** What an answer that is neither 200 nor 202 nor 204 says. */
export function refusalOf({ status, text }: GatewayAnswer): string {
  return `answered ${status}: ${text.slice(0, 200).trim()}`;
}

/** Over HTTP or HTTPS. */
export class HttpGateway implements Gateway {
  readonly name: string;
  readonly #base: string;

  constructor(url: string) {
    this.name = url;
    this.#base = url.endsWith("/") ? url : `${url}/`;
  }

  async ask(kind: "readings" | "telemetry", text: string, timeoutMs: number): Promise<GatewayAnswer> {
    const response = await fetch(new URL(`v1/${kind}`, this.#base), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: text,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  }

  async probe(timeoutMs: number): Promise<void> {
    const response = await fetch(new URL("healthz", this.#base), { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(refusalOf({ status: response.status, text: await response.text() }));
  }

  stop(): void {
    // Every request has a connection of its own, or one that the runtime keeps for a while.
  }
}
