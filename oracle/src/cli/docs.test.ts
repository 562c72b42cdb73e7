import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { commands } from "./commands.ts";

const DOCS = resolve(import.meta.dirname, "../../../docs");

/** Every `ioe …` that the documents tell people to type: in code blocks and in backticks. */
function callsIn(document: string): string[] {
  const text = readFileSync(resolve(DOCS, document), "utf8");
  const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) => block!.split("\n"));
  const quoted = [...text.matchAll(/`((?:sudo )?(?:-u ioe )?ioe [a-z][^`]*)`/g)].map(([, call]) => call!);
  const calls = [...blocks, ...quoted].map((line) => /^(?:sudo )?(?:-u ioe )?ioe (.*?)(?:\s+#.*)?$/.exec(line)?.[1]);
  return calls.filter((call) => call !== undefined);
}

describe("commands in the documents", function () {
  this.timeout(60_000);
  for (const document of ["raspberry-pi.md", "wiring.md", "keeper.md", "agent.md"]) {
    for (const call of callsIn(document)) {
      it(`exist, with their options (${document}): ioe ${call}`, async () => {
        const [first, second] = call.replace(/^help /, "").split(" ");
        const name = [`${first} ${second}`, `${first}`].find((key) => key in commands);
        expect(name, "the command").to.not.equal(undefined);
        const { options } = (await commands[name!]!.load()).default;
        for (const [, option] of call.matchAll(/ --([a-z-]+)/g)) expect(options).to.have.property(option!);
        for (const [option, { required, env }] of Object.entries(options)) {
          if (required && !env && call.includes(" --")) expect(call, "a required option").to.contain(` --${option}`);
        }
      });
    }
  }

  it("are found at all", () => expect(callsIn("raspberry-pi.md").length).to.be.greaterThan(8));
});
