/** The Solidity compiler inside this process: what one changed file does to the contracts that contain it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { ROOT } from "../cli.ts";

/** A node of the compiler's syntax tree; `src` is "offset:length:file" in bytes. */
export interface SyntaxNode {
  id: number;
  nodeType: string;
  src: string;
  [member: string]: unknown;
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  sources?: Record<string, { ast: SyntaxNode }>;
  contracts?: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>;
}

const solc = createRequire(import.meta.url)("solc") as {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
};

/** As the tests are compiled. */
export const OPTIMIZED = { enabled: true, runs: 200 };
/** Four times as fast to compile, and large. Code that needs the optimizer to find room on the stack does not compile. */
export const PLAIN = { enabled: false };
export type Optimizer = typeof OPTIMIZED | typeof PLAIN;

// Without the hash of the source at the end, which every change would change.
const SETTINGS = { evmVersion: "cancun", metadata: { bytecodeHash: "none", appendCBOR: false } };

const libraryFiles = new Map<string, string>();

export const readSource = (path: string): string => readFileSync(resolve(ROOT, path), "utf8");

function findImport(path: string, changed: ReadonlyMap<string, string>): string {
  const text = changed.get(path);
  if (text !== undefined) return text;
  if (!path.startsWith("@")) return readSource(path);
  let library = libraryFiles.get(path);
  if (library === undefined) libraryFiles.set(path, (library = readSource(`node_modules/${path}`)));
  return library;
}

function run(
  paths: readonly string[],
  changed: ReadonlyMap<string, string>,
  outputs: object,
  optimizer: Optimizer = PLAIN,
): Output {
  const sources = Object.fromEntries(paths.map((path) => [path, { content: findImport(path, changed) }]));
  const input = { language: "Solidity", sources, settings: { ...SETTINGS, optimizer, outputSelection: outputs } };
  return JSON.parse(
    solc.compile(JSON.stringify(input), { import: (path) => ({ contents: findImport(path, changed) }) }),
  ) as Output;
}

const errorsOf = (output: Output): string[] =>
  (output.errors ?? []).filter(({ severity }) => severity === "error").map(({ formattedMessage }) => formattedMessage);

/** The syntax tree of a file as it stands. */
export function syntaxOf(path: string): SyntaxNode {
  const output = run([path], new Map(), { [path]: { "": ["ast"] } });
  const [error] = errorsOf(output);
  if (error !== undefined) throw new Error(`${path} does not compile, so it cannot be mutated:\n${error}`);
  return output.sources![path]!.ast;
}

/** Creation code of the contracts by name, or null when the change does not compile. */
export function compileContracts(
  paths: readonly string[],
  optimizer: Optimizer,
  changed: ReadonlyMap<string, string> = new Map(),
): Map<string, string> | null {
  const outputs = Object.fromEntries(paths.map((path) => [path, { "*": ["evm.bytecode.object"] }]));
  const output = run(paths, changed, outputs, optimizer);
  if (errorsOf(output).length > 0) return null;
  const code = new Map<string, string>();
  for (const path of paths) {
    for (const [name, contract] of Object.entries(output.contracts?.[path] ?? {})) {
      if (contract.evm.bytecode.object !== "") code.set(name, `0x${contract.evm.bytecode.object}`);
    }
  }
  return code;
}

export const hash = (...texts: string[]): string =>
  createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 16);
