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

/** Far more than what is said about `MOST_READINGS`, bytes. */
const LARGEST_ANSWER = 65_536;

/** Over HTTP or HTTPS. */
export class HttpGateway implements Gateway {
  readonly name: string;
  readonly #base: string;

  constructor(url: string) {
    this.name = url;
    this.#base = url.endsWith("/") ? url : `${url}/`;
  }

  async ask(kind: "readings" | "telemetry", text: string, timeoutMs: number): Promise<GatewayAnswer> {
    return this.#fetch(`v1/${kind}`, timeoutMs, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: text,
    });
  }

  async probe(timeoutMs: number): Promise<void> {
    const answer = await this.#fetch("healthz", timeoutMs);
    if (answer.status < 200 || answer.status > 299) throw new Error(refusalOf(answer));
  }

  async #fetch(path: string, timeoutMs: number, { headers, ...rest }: RequestInit = {}): Promise<GatewayAnswer> {
    const response = await fetch(new URL(path, this.#base), {
      ...rest,
      headers: { ...headers, "accept-encoding": "identity" },
      // A gateway must not send us to a device of this house.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await textOf(response) };
  }

  stop(): void {
    // Every request has a connection of its own, or one that the runtime keeps for a while.
  }
}

/** @throws when it is packed, since little can unpack to more than the memory holds, or too long. */
async function textOf({ headers, body }: Response): Promise<string> {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    await body?.cancel();
    throw new Error(`answered in ${encoding.slice(0, 20)}, which was not asked for; nothing may pack its answers`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (bytes > LARGEST_ANSWER) throw new Error(`answered more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
