/** Small changes to a contract's source, each of which some test should notice. */
import { hash, readSource, syntaxOf, type SyntaxNode } from "./compiler.ts";

export interface Mutant {
  file: string;
  /** Function, modifier or "constructor"; the contract's name outside of them. */
  where: string;
  line: number;
  /** The source lines that are touched, before and after, in single spaces. */
  before: string;
  after: string;
  /** The whole file with the change. */
  source: string;
  /** Names this change of this function; stays the same while other functions change. */
  id: string;
}

/** Every operator, and what it is exchanged for. */
const OPERATORS: Record<string, string[]> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "<<": [">>"],
  ">>": ["<<"],
  "&": ["|"],
  "|": ["&"],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
  "&&": ["||"],
  "||": ["&&"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["/="],
  "|=": ["&="],
  "&=": ["|="],
  "++": ["--"],
  "--": ["++"],
  "~": [""],
  "!": [""],
};

interface Range {
  start: number;
  end: number;
}

interface Edit extends Range {
  text: string;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === "object" && value !== null && "nodeType" in value && "src" in value;

function rangeOf(node: SyntaxNode): Range {
  const [start, length] = node.src.split(":").map(Number) as [number, number];
  return { start, end: start + length };
}

/** Offsets are bytes, as the compiler counts them. */
class Source {
  readonly bytes: Buffer;
  constructor(text: string) {
    this.bytes = Buffer.from(text);
  }

  text({ start, end }: Range): string {
    return this.bytes.toString("utf8", start, end);
  }

  /** Where `token` stands in the range, comments aside. */
  find(token: string, { start, end }: Range): Range {
    const text = this.text({ start, end }).replace(/\/\/[^\n]*/g, (comment) => " ".repeat(Buffer.byteLength(comment)));
    const at = start + Buffer.byteLength(text.slice(0, text.indexOf(token)));
    return { start: at, end: at + token.length };
  }

  apply({ start, end, text }: Edit): string {
    return Buffer.concat([this.bytes.subarray(0, start), Buffer.from(text), this.bytes.subarray(end)]).toString();
  }

  /** The whole lines that a range touches. */
  lines({ start, end }: Range): Range {
    const last = this.bytes.indexOf("\n", Math.max(start, end - 1));
    return { start: this.bytes.lastIndexOf("\n", start - 1) + 1, end: last < 0 ? this.bytes.length : last };
  }
}

const oneLine = (text: string): string =>
  text
    .replace(/\/\/[^\n]*/g, "")
    .replace(/\s+/g, " ")
    .trim();

function* editsOf(node: SyntaxNode, parent: SyntaxNode | null, source: Source): Generator<Edit> {
  const range = rangeOf(node);
  const child = (name: string): Range => rangeOf(node[name] as SyntaxNode);
  const exchange = (operator: string, at: Range): Edit[] =>
    (OPERATORS[operator] ?? []).map((text) => ({ ...source.find(operator, at), text }));

  switch (node.nodeType) {
    case "BinaryOperation":
      yield* exchange(node.operator as string, {
        start: child("leftExpression").end,
        end: child("rightExpression").start,
      });
      break;
    case "Assignment":
      yield* exchange(node.operator as string, { start: child("leftHandSide").end, end: child("rightHandSide").start });
      break;
    case "UnaryOperation": {
      const { start, end } = child("subExpression");
      yield* exchange(
        node.operator as string,
        node.prefix === true ? { start: range.start, end: start } : { start: end, end: range.end },
      );
      break;
    }
    case "Literal": {
      if (node.kind === "bool") yield { ...range, text: node.value === "true" ? "false" : "true" };
      if (node.kind !== "number" || parent?.nodeType === "ArrayTypeName") break;
      const digits = /^(0x[0-9a-fA-F_]+|[0-9_]+)(?![.e0-9])/.exec(source.text(range))?.[0];
      if (digits === undefined || digits.length > 18 || isAddress(parent)) break;
      const value = BigInt(digits.replaceAll("_", ""));
      const at = { start: range.start, end: range.start + digits.length };
      yield { ...at, text: `${value + 1n}` };
      if (value > 0n) yield { ...at, text: `${value - 1n}` };
      break;
    }
    case "IfStatement":
    case "Conditional":
    case "WhileStatement": {
      const condition = child("condition");
      if (!isComparison(node.condition as SyntaxNode)) yield { ...condition, text: `!(${source.text(condition)})` };
      if (node.nodeType === "IfStatement" && !node.falseBody) yield { ...condition, text: "false" };
      break;
    }
    case "ExpressionStatement":
    case "EmitStatement":
    case "Break":
    case "Continue": {
      if (parent?.nodeType === "ForStatement" && !isBodyOf(parent, node)) break;
      yield {
        start: range.start,
        end: source.find(";", { start: range.end - 1, end: source.bytes.length }).end,
        text: "{}",
      };
      break;
    }
    case "ModifierInvocation":
      if (node.kind === "modifierInvocation") yield { ...range, text: "" };
      break;
  }
}

/** Its operator alone already turns into the opposite. */
const isComparison = ({ nodeType, operator }: SyntaxNode): boolean =>
  (nodeType === "BinaryOperation" || nodeType === "UnaryOperation") &&
  ["<", "<=", ">", ">=", "==", "!=", "!"].includes(operator as string);

/** The zero of `address(0)`: no other address would say anything. */
const isAddress = (parent: SyntaxNode | null): boolean =>
  parent?.nodeType === "FunctionCall" && parent.kind === "typeConversion";

const isBodyOf = (loop: SyntaxNode, node: SyntaxNode): boolean => (loop.body as SyntaxNode).id === node.id;

function* walk(
  node: SyntaxNode,
  parent: SyntaxNode | null,
  where: SyntaxNode | null,
): Generator<[SyntaxNode, SyntaxNode | null, SyntaxNode | null]> {
  const room =
    node.nodeType === "FunctionDefinition" ||
    node.nodeType === "ModifierDefinition" ||
    (node.nodeType === "ContractDefinition" && where === null)
      ? node
      : where;
  yield [node, parent, room];
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(item)) yield* walk(item, node, room);
    }
  }
}

function nameOf(where: SyntaxNode | null): string {
  if (where === null) return "file";
  return (where.name as string) || (where.kind as string);
}

/** All mutants of a file, in the order of the source. */
export function mutantsOf(file: string): Mutant[] {
  const text = readSource(file);
  const source = new Source(text);
  const mutants = new Map<string, Mutant>();
  for (const [node, parent, where] of walk(syntaxOf(file), null, null)) {
    for (const edit of editsOf(node, parent, source)) {
      const lines = source.lines(edit);
      const name = nameOf(where);
      const before = oneLine(source.text(lines));
      const changed = source.apply(edit);
      const shift = Buffer.byteLength(edit.text) - (edit.end - edit.start);
      const after = oneLine(Buffer.from(changed).toString("utf8", lines.start, lines.end + shift));
      // Outside of functions a change is told by its line alone.
      const room = where === null || where.nodeType === "ContractDefinition" ? before : source.text(rangeOf(where));
      const offset = edit.start - (where === null ? 0 : rangeOf(where).start);
      const place = where?.nodeType === "ContractDefinition" ? before : `${offset}`;
      const id = hash(file, name, room, place, `${edit.end - edit.start}`, edit.text);
      mutants.set(id, {
        file,
        where: name,
        line: source.bytes.subarray(0, edit.start).toString().split("\n").length,
        before,
        after,
        source: changed,
        id,
      });
    }
  }
  return [...mutants.values()].sort((a, b) => a.line - b.line);
}
