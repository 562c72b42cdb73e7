import { expect } from "chai";
import type { Format } from "../format/index.ts";
import type { Catalogue, Reason } from "./catalogue.ts";
import { de } from "./de/index.ts";
import { en } from "./en/index.ts";
import { chooseLanguage, chooseLocale } from "./language.ts";

type Node = string | ((...args: unknown[]) => string) | { [key: string]: Node };

/** All sentences of a catalogue by their path. */
function leaves(node: Node, path = ""): [string, Exclude<Node, object> | ((...args: unknown[]) => string)][] {
  if (typeof node === "string" || typeof node === "function") return [[path, node]];
  return Object.entries(node).flatMap(([key, child]) => leaves(child, path ? `${path}.${key}` : key));
}

const MARKERS = Array.from({ length: 8 }, (_, i) => `⟦${i}⟧`);
/** Which of its parameters a sentence shows. */
function shown(leaf: unknown): string[] {
  if (typeof leaf !== "function") return [];
  const sentence = (leaf as (...args: string[]) => string)(...MARKERS);
  return MARKERS.filter((marker) => sentence.includes(marker));
}

/** Sentences that are the same in both languages. */
const SAME = [
  "appName",
  "start.missing.command",
  "meter.kinds.solar",
  "meter.kinds.wind",
  "deliveries.live.live",
  "deliveries.story.facts.hash",
  "deliveries.story.facts.block",
];
/** All that a sentence can say: some differ between one thing and many. */
function said(leaf: unknown): string[] {
  if (typeof leaf !== "function") return [String(leaf)];
  const say = leaf as (...args: unknown[]) => string;
  return [say(...MARKERS), say(1, ...MARKERS)];
}
const hasWords = (sentence: string) => /\p{L}/u.test(sentence.replace(/⟦[^⟧]*⟧/g, ""));

/** Answers every question with its own name, so that what a sentence uses can be read in it. */
const echo = <T extends object>() =>
  new Proxy({} as T, { get: (_target, kind) => (name: unknown) => `⟦${String(kind)} ${String(name)}⟧` });
const used = (sentence: string | undefined) => [...(sentence?.matchAll(/⟦[^⟧]*⟧/g) ?? [])].map(String).sort();
const fields = new Proxy({}, { get: (_target, name) => `field ${String(name)}` }) as Reason;

type Say = (reason: Reason, format: Format) => string;

const german: Catalogue = de;
const englishLeaves = leaves(en.text as unknown as Node);
const germanLeaves = new Map(leaves(german.text as unknown as Node));

describe("the languages", () => {
  it("have the same sentences", () => {
    expect([...germanLeaves.keys()].sort()).to.deep.equal(englishLeaves.map(([path]) => path).sort());
  });
  for (const [path, leaf] of englishLeaves) {
    if (typeof leaf !== "function") continue;
    it(`show the same figures: ${path}`, () => {
      expect(shown(germanLeaves.get(path))).to.deep.equal(shown(leaf));
      // A number of things that decides about singular and plural need not be shown itself.
      expect((germanLeaves.get(path) as { length: number }).length).to.be.at.most(leaf.length);
    });
  }
  it("leave nothing untranslated", () => {
    const same = englishLeaves.filter(([path, leaf]) => {
      const german = said(germanLeaves.get(path));
      return said(leaf).some((sentence, i) => hasWords(sentence) && sentence === german[i]);
    });
    expect(same.map(([path]) => path).sort()).to.deep.equal([...SAME].sort());
    for (const [code, say] of Object.entries(en.reasons) as [Reason["code"], Say][]) {
      expect((german.reasons[code] as Say)(fields, echo()), code).to.not.equal(say(fields, echo()));
    }
    for (const [name, explain] of Object.entries(en.errors)) {
      const [english, other] = [explain(echo()), german.errors[name]!(echo())];
      expect(other.sentence, name).to.not.equal(english.sentence);
      if (english.advice) expect(other.advice, name).to.not.equal(english.advice);
    }
  });
  it("explain the same errors with the same figures", () => {
    expect(Object.keys(german.errors)).to.deep.equal(Object.keys(en.errors));
    for (const [name, explain] of Object.entries(en.errors)) {
      const [mine, theirs] = [explain(echo()), german.errors[name]!(echo())];
      expect(used(theirs.sentence + theirs.advice), name).to.deep.equal(used(mine.sentence + mine.advice));
    }
  });
  it("give the same reasons with the same figures", () => {
    for (const [code, say] of Object.entries(en.reasons) as [Reason["code"], Say][]) {
      const other = german.reasons[code] as Say;
      expect(used(other(fields, echo())), code).to.deep.equal(used(say(fields, echo())));
    }
  });
});

describe("the language that is spoken", () => {
  it("is the one chosen last, then the browser's first that exists, then English", () => {
    expect(chooseLanguage("de", ["en-US"])).to.equal("de");
    expect(chooseLanguage(null, ["fr-FR", "de-AT", "en"])).to.equal("de");
    expect(chooseLanguage("xx", ["fr"])).to.equal("en");
  });
  it("writes numbers as the browser's region does", () => {
    expect(chooseLocale("de", ["en-US", "de-AT"])).to.equal("de-AT");
    expect(chooseLocale("en", ["de-CH"])).to.equal("en-GB");
    expect(chooseLocale("de", ["de"])).to.equal("de-DE");
  });
});
