/** The contracts' tests inside this process, again and again, on contracts that are exchanged between two runs. */
import { readdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import Mocha from "mocha";
import { ROOT } from "../cli.ts";

const FOLDER = resolve(ROOT, "test/contracts");
/** A test that takes this long hangs. */
const TIMEOUT = 60_000;

const ATTEMPTS = 3;

interface Failure {
  title: string;
  timedOut: boolean;
}

/** Prints nothing. */
class Silent extends Mocha.reporters.Base {}

export class TestRunner {
  readonly #mocha: Mocha;
  readonly #suites: Mocha.Suite[];
  readonly #useCode: (code: ReadonlyMap<string, string>) => Promise<void>;

  private constructor(mocha: Mocha, useCode: (code: ReadonlyMap<string, string>) => Promise<void>) {
    this.#mocha = mocha;
    this.#suites = [...mocha.suite.suites];
    this.#useCode = useCode;
  }

  static async load(): Promise<TestRunner> {
    process.env.HH_TEST = "true";
    // What a change breaks may reject after its test has failed.
    process.on("unhandledRejection", () => {});
    // These books repeat what the other tests state; a change is rarely theirs alone to notice.
    process.env.IOE_PLAYED_BOOKS ??= "26";
    const { default: hre } = await import("hardhat");
    // Code that is compiled without the optimizer is large.
    const create = hre.network.create.bind(hre.network);
    hre.network.create = async ({ override, ...rest }: { override?: object } = {}) =>
      create({ ...rest, override: { allowUnlimitedContractSize: true, ...override } });
    const changed = new Map<string, string>();
    const readArtifact = hre.artifacts.readArtifact.bind(hre.artifacts) as (name: string) => Promise<object>;
    hre.artifacts.readArtifact = (async (name: string) => {
      const artifact = await readArtifact(name);
      const bytecode = changed.get(name.split(":").at(-1)!);
      return bytecode === undefined ? artifact : { ...artifact, bytecode };
    }) as typeof hre.artifacts.readArtifact;

    const mocha = new Mocha({ bail: true, timeout: TIMEOUT, reporter: Silent });
    for (const file of readdirSync(FOLDER)) if (file.endsWith(".test.ts")) mocha.addFile(resolve(FOLDER, file));
    await mocha.loadFilesAsync();
    mocha.cleanReferencesAfterRun(false);

    const { networkHelpers } = await import("../../test/contracts/fixture.ts");
    const origin = await networkHelpers.takeSnapshot();
    return new TestRunner(mocha, async (code) => {
      changed.clear();
      for (const [name, bytecode] of code) changed.set(name, bytecode);
      await origin.restore();
      networkHelpers.clearSnapshots();
    });
  }

  /** From now on the tests deploy this code for the contracts named. */
  use(code: ReadonlyMap<string, string>): Promise<void> {
    return this.#useCode(code);
  }

  /**
   * Runs the tests of the files in this order, or only those with these titles, up to the first failure. A test that takes
   * too long fails when it does so again by itself: a machine with other work notices no change of a contract.
   * @returns the full title of the test that failed, null when all passed.
   */
  async run(files: readonly string[], titles?: readonly string[]): Promise<string | null> {
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#runOnce(files, titles);
      if (failure === null) return null;
      if (!failure.timedOut || attempt === ATTEMPTS) return failure.title;
      if ((await this.#runOnce(files, [failure.title])) !== null) return failure.title;
    }
  }

  async #runOnce(files: readonly string[], titles?: readonly string[]): Promise<Failure | null> {
    const place = (suite: Mocha.Suite): number => files.indexOf(basename(suite.file ?? ""));
    const suites = this.#suites.filter((suite) => place(suite) >= 0);
    this.#mocha.suite.suites = suites.sort((a, b) => place(a) - place(b));
    const escaped = titles?.map((title) => title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    this.#mocha.grep(escaped === undefined ? /^/ : new RegExp(`^(?:${escaped.join("|")})$`));
    let failure: Failure | null = null;
    await new Promise<void>((done) => {
      const runner = this.#mocha.run(() => done());
      runner.on("fail", (runnable: Mocha.Runnable, { code }: { code?: string }) => {
        const test = runnable instanceof Mocha.Hook ? (runnable.ctx?.currentTest ?? runnable) : runnable;
        failure ??= { title: test.fullTitle(), timedOut: code === "ERR_MOCHA_TIMEOUT" };
      });
    });
    return failure;
  }

  get files(): string[] {
    return [...new Set(this.#suites.map((suite) => basename(suite.file ?? "")))];
  }
}
