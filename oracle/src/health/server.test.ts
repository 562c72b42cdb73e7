import { expect } from "chai";
import { HealthServer, type Metric, processMetrics } from "./index.ts";

/**
 * A reader of the text format, strict where Prometheus is: https://prometheus.io/docs/instrumenting/exposition_formats
 * @returns samples by name and labels
 */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let family = "";
  if (!text.endsWith("\n")) throw new Error("the last line must end with a line feed");
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (seen.has(name)) throw new Error(`${name} is not in one group`);
      seen.add((family = name));
    } else if (kind === "TYPE") {
      if (!/^(counter|gauge)$/.test(rest)) throw new Error(`type of ${line}`);
      if (rest === "counter" && !name.endsWith("_total")) throw new Error(`counter ${name} without _total`);
      types.set(name, rest);
    } else {
      const label = /[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"/.source;
      const sample = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\\{${label}(?:,${label})*\\})?) (\\S+)$`).exec(line);
      if (!sample) throw new Error(`no sample: ${line}`);
      if (sample[1] !== family || !types.has(family)) throw new Error(`${line} stands outside of its family`);
      const value = Number(sample[3]!.replace("Inf", "Infinity"));
      if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
      if (samples.has(sample[1] + sample[2]!)) throw new Error(`twice: ${line}`);
      samples.set(sample[1] + sample[2]!, value);
    }
  }
  return samples;
}

describe("health over HTTP", () => {
  let metrics: Metric[];
  let troubles: string[];
  let server: HealthServer;
  let url: string;
  beforeEach(async () => {
    metrics = [];
    troubles = [];
    server = new HealthServer({ host: "127.0.0.1", port: 0 }, { metrics: () => metrics, troubles: () => troubles });
    url = `http://127.0.0.1:${await server.start()}`;
  });
  afterEach(() => server.stop());

  const scrape = async () => {
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).to.equal("text/plain; version=0.0.4; charset=utf-8");
    return parse(await response.text());
  };

  it("speaks Prometheus' text format, whatever the labels contain", async () => {
    metrics = [
      { name: "a_watts", help: 'with "quotes", \\ and\nline', type: "gauge", samples: -1.5 },
      {
        name: "b_total",
        help: "b",
        type: "counter",
        samples: [
          { labels: { relay: 'a "b" \\ c\nd', side: "x" }, value: true },
          { labels: { relay: "e" }, value: "36893488147419103232.25" },
        ],
      },
      { name: "unknown", help: "-", type: "gauge", samples: undefined },
      { name: "none", help: "-", type: "gauge", samples: [] },
      { name: "never_seconds", help: "-", type: "gauge", samples: Infinity },
    ];
    expect([...(await scrape())]).to.deep.equal([
      ["a_watts", -1.5],
      ['b_total{relay="a \\"b\\" \\\\ c\\nd",side="x"}', 1],
      ['b_total{relay="e"}', 36893488147419103232],
      ["never_seconds", Infinity],
    ]);
  });

  it("tells about the process", async () => {
    const own = processMetrics();
    metrics = own.read();
    own.stop();
    const samples = await scrape();
    expect(samples.get("process_resident_memory_bytes")).to.be.greaterThan(1e7);
    expect(samples.get("process_start_time_seconds")).to.be.closeTo(Date.now() / 1_000 - process.uptime(), 2);
    expect(samples.get("nodejs_eventloop_lag_p99_seconds")).to.be.at.least(0);
  });

  it("is healthy until there is trouble, and says which", async () => {
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    troubles = ["the control cycle stands still for 30 s, waiting for: meter"];
    const response = await fetch(`${url}/healthz`);
    expect(response.status).to.equal(503);
    expect(await response.json()).to.deep.equal({ ok: false, troubles });
  });

  it("does nothing else", async () => {
    expect((await fetch(`${url}/`)).status).to.equal(404);
    expect((await fetch(`${url}/metrics`, { method: "POST" })).status).to.equal(405);
  });

  it("says which port is taken", async () => {
    const second = new HealthServer(
      { host: "127.0.0.1", port: Number(new URL(url).port) },
      { metrics: () => [], troubles: () => [] },
    );
    const error = await second.start().catch((reason: unknown) => reason);
    expect((error as Error).message).to.match(/metrics\.port \d+ is in use/);
  });
});
