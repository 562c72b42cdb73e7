import { stringify } from "yaml";
import type { OracleConfigInput } from "../config/index.ts";

/** What a person decides; everything else has a default. */
export type Answers = Pick<OracleConfigInput, "meter" | "relays" | "routes" | "interlocks"> & {
  chain: Pick<OracleConfigInput["chain"], "rpcUrls" | "deployment" | "confirmations">;
  keys?: OracleConfigInput["keys"];
  gateways?: OracleConfigInput["gateways"];
  journal?: string;
  live?: OracleConfigInput["live"];
  metrics?: OracleConfigInput["metrics"];
};

const DEFAULT_KEYS = { meter: "./meter.json", sender: "./sender.json" };
const LOOPBACK = "127.0.0.1";

/** Text of a configuration file with a comment on every section. It has still to be checked. */
export function render(answers: Answers): string {
  const {
    chain,
    meter,
    relays = {},
    routes = [],
    interlocks = [],
    gateways = [],
    journal = "./journal.sqlite",
  } = answers;
  const { keys = gateways.length > 0 ? { meter: DEFAULT_KEYS.meter } : DEFAULT_KEYS } = answers;
  const { live = { host: LOOPBACK, port: 9_101, allowOrigins: [] } } = answers;
  const { metrics = { host: LOOPBACK, port: 9_464 } } = answers;
  const sections: [string, object][] = [
    [
      "Ethereum nodes of the zone's chain, the first that answers is used; and the file with its contracts,\n" +
        "which the operator gives you. confirmations: blocks on top before an event is acted on.\n" +
        "maxFeeGwei: most that a gas may cost, 500 if left out; above it transactions wait.",
      { chain: { confirmations: 0, ...chain } },
    ],
    ["Where the oracle remembers what it has measured and sent. Back it up with the keys.", { journal }],
    [
      "meter signs readings, sender pays for transactions (not needed with gateways): ioe keys new --out FILE.\n" +
        "The password comes from systemd (credential ioe-password), or from the file keys.passwordFile.",
      { keys },
    ],
    [
      "Services that bring signed readings to the chain and pay for it. Without any the oracle pays itself.",
      { gateways },
    ],
    ["Live figures for the dApp. allowOrigins: web pages that may read them. Remove it to show nothing.", { live }],
    ["For Prometheus and for health checks: /metrics and /healthz. Keep it on this computer.", { metrics }],
    [
      "id: number in the registry, known after the registration (ioe help keys qr; ioe doctor tells it).\n" +
        "scope: branch behind the relays, or connection of a house, which is never switched.",
      { meter: { ...meter } },
    ],
    ["Each relay with its driver; ioe drivers shows all. Open is safe, and open is how they start.", { relays }],
    ["Of such a group one relay at most is closed; deadTimeMs lies between two of them.", { interlocks }],
    [
      "Which relays form the way from (source) or to (sink) other meters, and the power it carries, W.\n" +
        "peers: any, or a list of meter ids.",
      { routes },
    ],
  ];
  const texts = sections.map(
    ([comment, section]) => `${comment.replace(/^/gm, "# ")}\n${stringify(section, { aliasDuplicateObjects: false })}`,
  );
  return `# Configuration of the oracle. Check it with: ioe doctor\n\n${texts.join("\n")}`;
}
