import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ROOT } from "../tools/cli.ts";

/** How the unit starts the oracle: options of Node, environment; the cache of compiled code lies in `cache`. */
export async function unitEnvironment(cache: string): Promise<Record<string, string>> {
  const unit = await readFile(resolve(ROOT, "oracle/install/ioe.service"), "utf8");
  const [, flags] = /^ExecStart=\S+\/node (--.*?) \S+\/ioe\.mjs run/m.exec(unit)!;
  const environment = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]): [string, string] => [
    name!,
    value!.replace("%C/ioe", cache),
  ]);
  return { ...Object.fromEntries(environment), NODE_OPTIONS: flags! };
}
