import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { portError } from "./modbus-server.ts";
import { type MicroGridState, type PhysicsChange, PhysicsError, physicsSchema } from "./truth.ts";

const HOST = "127.0.0.1";
const MAX_BODY = 64 * 1024;

export interface Control {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `GET /v1/state`: the truth (µJ as decimal text). `POST /v1/physics`: changes something physical and answers with the
 * truth after it. On the loopback interface only; requests that come from a web page are refused.
 * @throws PortError
 */
export async function serveControl(
  port: number,
  world: { state(): MicroGridState; change(change: PhysicsChange): void },
): Promise<Control> {
  const server = createServer((request, response) => {
    answer(request, world).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, 500, { error: String(error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(portError(HOST, port, error)));
    server.listen(port, HOST, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  world: { state(): MicroGridState; change(change: PhysicsChange): void },
): Promise<{ status: number; body: unknown }> {
  // Browsers send this with every request of another site's page.
  if (request.headers.origin !== undefined) return { status: 403, body: { error: "not for web pages" } };
  const route = `${request.method} ${request.url}`;
  if (route === "GET /v1/state") return { status: 200, body: world.state() };
  if (route !== "POST /v1/physics") return { status: 404, body: { error: "try GET /v1/state or POST /v1/physics" } };
  let input: unknown;
  try {
    input = JSON.parse(await bodyOf(request));
  } catch (error) {
    return { status: 400, body: { error: `the body is not JSON: ${(error as Error).message}` } };
  }
  const parsed = physicsSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "(top)"}: ${message}`);
    return { status: 400, body: { error: problems.join("; ") } };
  }
  try {
    world.change(parsed.data);
  } catch (error) {
    if (error instanceof PhysicsError) return { status: 409, body: { error: error.message } };
    throw error;
  }
  return { status: 200, body: world.state() };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Error(`longer than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
}
