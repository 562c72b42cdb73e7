import { type DriverInfo, driverInfos } from "../../hardware/index.ts";
import { command } from "../command.ts";

export default command({
  options: { json: { help: "print them as JSON" } },
  run: ({ json }) => {
    process.stdout.write(json ? `${JSON.stringify(driverInfos, null, 2)}\n` : driverInfos.map(describe).join("\n"));
  },
});

function describe({ kind, driver, summary, needs, guard, registers, example }: DriverInfo): string {
  const rows: [string, string | undefined][] = [
    ["needs", needs],
    ["guard", guard],
    ["registers", registers],
  ];
  const lines = rows.filter(([, text]) => text).map(([name, text]) => `  ${name.padEnd(10)} ${text}\n`);
  const yaml = example.trimEnd().split("\n");
  return `${kind} driver: ${driver}\n  ${summary}\n${lines.join("")}${yaml.map((line) => `    ${line}\n`).join("")}`;
}
