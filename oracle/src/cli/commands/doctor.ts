import { loadConfig } from "../../config/index.ts";
import { type Finding, examine } from "../../doctor/index.ts";
import { CONFIG, EXIT, command } from "../command.ts";

export default command({
  details: `
Looks at the computer, the keys, the chain and, unless the oracle runs, the devices: every relay is opened, the meter is
read. Nothing is closed and nothing is sent to the chain. The exit code is 1 when a line says error.`,
  options: { config: CONFIG, json: { help: "print the findings as JSON" } },
  run: async ({ config, json }) => {
    const findings = await examine(loadConfig(config));
    process.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : findings.map(describe).join(""));
    // A socket that still closes must not keep the process.
    process.exit(findings.some(({ level }) => level === "error") ? EXIT.failed : EXIT.done);
  },
});

function describe({ level, check, message, todo }: Finding): string {
  return `${level.padEnd(8)} ${check.padEnd(16)} ${message}\n${todo ? `${" ".repeat(26)}→ ${todo}\n` : ""}`;
}
