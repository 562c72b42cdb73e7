import { createHash, randomBytes } from "node:crypto";
import { DeviceError } from "../types.ts";

/** A device in the home network that speaks HTTP and answers in JSON. */
export interface HttpEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Nothing for a device without a password. */
  readonly password: string | undefined;
  /** Time for one request, ms; asking for the password doubles it. */
  readonly timeoutMs: number;
}

export interface HttpRequest {
  /** What is asked, for errors: "switch on". */
  readonly asks: string;
  /** Gives up at once, with the signal's reason. */
  readonly signal?: AbortSignal;
}

type Json = Record<string, unknown>;

/** Asks one device; every request stands for itself, so that opening a relay waits for nothing. */
export class HttpLink {
  readonly #device: string;
  readonly #endpoint: HttpEndpoint;
  /** What the device wants to see before it answers; it has asked for it before. */
  #challenge: string | undefined;
  #requests = 0;

  /** @param device its name, for errors. */
  constructor(device: string, endpoint: HttpEndpoint) {
    this.#device = device;
    this.#endpoint = endpoint;
  }

  /**
   * GET of a path with its query.
   * @throws DeviceError when the device cannot be reached, does not answer in time, refuses, or answers no JSON object.
   */
  async get(path: string, { asks, signal }: HttpRequest): Promise<Json> {
    let response = await this.#send(path, asks, signal);
    const challenge = response.headers.get("www-authenticate");
    if (response.status === 401 && challenge && this.#endpoint.password !== undefined) {
      // The first time, or the device takes the old answer no longer.
      await response.body?.cancel();
      this.#challenge = challenge;
      this.#requests = 0;
      response = await this.#send(path, asks, signal);
    }
    return this.#read(response, asks);
  }

  async #send(path: string, asks: string, signal: AbortSignal | undefined): Promise<Response> {
    const { host, port, timeoutMs } = this.#endpoint;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      return await fetch(`http://${host}:${port}${path}`, {
        headers: this.#authorization(path),
        redirect: "error",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#unreachable(asks, timeout.aborted, error);
    }
  }

  #authorization(path: string): Record<string, string> {
    const { user, password } = this.#endpoint;
    if (this.#challenge === undefined || password === undefined) return {};
    if (/^basic\b/i.test(this.#challenge)) {
      return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
    }
    const count = ++this.#requests;
    return { Authorization: digestAuthorization({ challenge: this.#challenge, user, password, path, count }) };
  }

  async #read(response: Response, asks: string): Promise<Json> {
    let text: string;
    try {
      text = await response.text();
    } catch (error) {
      throw this.#unreachable(asks, (error as Error).name === "TimeoutError", error);
    }
    const body = parsed(text);
    if (response.ok && body) return body;
    const { user, password } = this.#endpoint;
    const say = (what: string) => new DeviceError(this.#device, `${this.#where} ${what} when asked to ${asks}`);
    if (response.status === 401 && password === undefined)
      throw say("wants a password (set passwordFile to a file of mode 0600 that holds it)");
    if (response.status === 401) throw say(`does not accept the password of user ${user} (check passwordFile)`);
    if (response.status === 404) throw say("knows nothing of that kind (check generation, channel and component)");
    if (response.ok) throw say("answers something that is no JSON object (check host and port)");
    const reason = typeof body?.message === "string" ? `: ${body.message}` : "";
    throw say(`answers with HTTP ${response.status}${reason} (check generation, channel and component)`);
  }

  #unreachable(asks: string, late: boolean, error: unknown): DeviceError {
    const asked = `when asked to ${asks}`;
    const say = (text: string) => new DeviceError(this.#device, text, { cause: error });
    if (late) {
      const { timeoutMs } = this.#endpoint;
      return say(`${this.#where} did not answer within ${timeoutMs} ms ${asked}; check its power and its network`);
    }
    const { code } = ((error as Error).cause ?? {}) as { code?: string };
    if (code === "ECONNREFUSED") return say(`nothing listens on ${this.#where} ${asked}; check host and port`);
    const reason = code ?? (error as Error).message;
    return say(`${this.#where} cannot be talked to ${asked} (${reason}); check host, port and network`);
  }

  get #where(): string {
    return `${this.#endpoint.host}:${this.#endpoint.port}`;
  }
}

const HASHES: Readonly<Record<string, string>> = { "sha-256": "sha256", md5: "md5" };

/** Answer to a Digest challenge for a GET request, RFC 7616 section 3.4 with qop "auth". */
export function digestAuthorization(request: {
  challenge: string;
  user: string;
  password: string;
  path: string;
  /** Number of requests with this challenge, this one included. */
  count: number;
  /** For tests; random otherwise. */
  cnonce?: string;
}): string {
  const { challenge, user, password, path, count, cnonce = randomBytes(8).toString("hex") } = request;
  const given: Record<string, string> = {};
  for (const [, key, quoted, bare] of challenge.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g))
    given[key!.toLowerCase()] = quoted ?? bare!;
  const { realm = "", nonce = "", opaque, algorithm = "MD5" } = given;
  const name = HASHES[algorithm.toLowerCase()];
  if (name === undefined) throw new RangeError(`asks for the digest algorithm ${algorithm}, which is not known here`);
  const hash = (text: string) => createHash(name).update(text).digest("hex");
  const nc = count.toString(16).padStart(8, "0");
  const secret = hash(`${user}:${realm}:${password}`);
  const response = hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${hash(`GET:${path}`)}`);
  const fields = [
    `username="${user}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${path}"`,
    `algorithm=${algorithm}`,
    `qop=auth`,
    `nc=${nc}`,
    `cnonce="${cnonce}"`,
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
  ];
  return `Digest ${fields.join(", ")}`;
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
