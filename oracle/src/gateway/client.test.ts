import { type RequestListener, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { expect } from "chai";
import { HttpGateway } from "./client.ts";

const TIMEOUT_MS = 10_000;

describe("a gateway over HTTP", () => {
  let server: Server;
  let gateway: HttpGateway;
  let answer: RequestListener;

  beforeEach(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    gateway = new HttpGateway(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  const ask = () => gateway.ask("readings", "{}", TIMEOUT_MS);
  const failure = async (asked: Promise<unknown>) =>
    asked.then(
      () => "nothing was wrong",
      (error: unknown) => (error as Error).message,
    );

  it("is asked for plain answers", async () => {
    let asked: string | undefined;
    answer = ({ headers }, response) => {
      asked = headers["accept-encoding"];
      response.writeHead(202, { "content-encoding": "identity" }).end("fünf");
    };
    expect(await ask()).to.deep.equal({ status: 202, text: "fünf" });
    expect(asked).to.equal("identity");
  });

  for (const [encoding, pack] of [
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
    ["gzip, gzip", (bytes: Buffer) => gzipSync(gzipSync(bytes))],
  ] as const) {
    it(`is not believed when it answers in ${encoding}`, async () => {
      const packed = pack(Buffer.alloc(2 ** 24));
      answer = (_request, response) => response.writeHead(200, { "content-encoding": encoding }).end(packed);
      for (const asked of [ask, () => gateway.probe(TIMEOUT_MS)])
        expect(await failure(asked())).to.equal(
          `answered in ${encoding}, which was not asked for; nothing may pack its answers`,
        );
    });
  }

  it("is left when its answer has no end", async () => {
    for (const status of [200, 503]) {
      const gone = Promise.withResolvers<void>();
      answer = (_request, response) => {
        response.writeHead(status).once("close", gone.resolve);
        const fill = () => {
          while (!response.destroyed && response.write("x".repeat(1_024)));
        };
        response.on("drain", fill);
        fill();
      };
      expect(await failure(status === 200 ? ask() : gateway.probe(TIMEOUT_MS))).to.equal(
        "answered more than 65536 bytes",
      );
      await gone.promise;
    }
  });

  it("may answer 64 kB", async () => {
    answer = (_request, response) => response.writeHead(200).end("x".repeat(65_536));
    expect((await ask()).text).to.have.length(65_536);
  });

  it("is there when it says so, and else says why not", async () => {
    answer = (_request, response) => response.writeHead(200).end("{}");
    await gateway.probe(TIMEOUT_MS);
    answer = (_request, response) => response.writeHead(503).end("no node");
    expect(await failure(gateway.probe(TIMEOUT_MS))).to.equal("answered 503: no node");
  });
});
