import { createHash, randomBytes } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpDevice {
  readonly port: number;
  /** Paths with queries in the order they came in, those without the right password left out. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** What a device answers to a path: JSON, a number for a bare HTTP status, or nothing at all. */
export type Answer = (url: URL) => object | number | undefined | Promise<object | number | undefined>;

/** An HTTP server that answers like a small device; with a password it asks for Basic or Digest (SHA-256) first. */
export async function httpDevice(
  answer: Answer,
  password?: { scheme: "basic" | "digest"; password: string; forget?: () => boolean },
): Promise<HttpDevice> {
  const requests: string[] = [];
  let nonce = randomBytes(8).toString("hex");
  const server = createServer((request, response) => {
    void (async () => {
      if (password && !isRight(request, password, nonce)) {
        nonce = randomBytes(8).toString("hex");
        const challenge =
          password.scheme === "basic"
            ? 'Basic realm="shelly1-A4CF12"'
            : `Digest qop="auth", realm="shellyplus1-a8032abe", nonce="${nonce}", algorithm=SHA-256`;
        response.writeHead(401, { "WWW-Authenticate": challenge }).end();
        return;
      }
      if (password?.forget?.()) nonce = "forgotten";
      requests.push(request.url!);
      send(response, await answer(new URL(request.url!, "http://device")));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function send(response: ServerResponse, body: object | number | undefined): void {
  if (body === undefined) return; // hangs
  if (typeof body === "number") response.writeHead(body).end();
  else response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

/** As RFC 7617 and RFC 7616 have it, from the server's side. */
function isRight(request: IncomingMessage, { scheme, password }: { scheme: string; password: string }, nonce: string) {
  const given = request.headers.authorization ?? "";
  if (scheme === "basic") return given === `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;
  const field = (name: string) => new RegExp(`\\b${name}="?([^",]+)`).exec(given)?.[1];
  const sha = (text: string) => createHash("sha256").update(text).digest("hex");
  const [ha1, ha2] = [sha(`admin:shellyplus1-a8032abe:${password}`), sha(`${request.method}:${request.url}`)];
  return (
    field("nonce") === nonce &&
    field("response") === sha(`${ha1}:${nonce}:${field("nc")}:${field("cnonce")}:auth:${ha2}`)
  );
}
