/** Which language is spoken: the one chosen last, otherwise the first of the browser's that we have. */
import type { Catalogue } from "./catalogue.ts";
import { en } from "./en/index.ts";
import { speak } from "./index.ts";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "ioe.language";
const DEFAULT_LOCALES: Record<Language, string> = { en: "en-GB", de: "de-DE" };

const languageOf = (tag: string | null) => LANGUAGES.find((each) => tag?.toLowerCase().split("-")[0] === each);

export function chooseLanguage(kept: string | null, preferred: readonly string[]): Language {
  return languageOf(kept) ?? preferred.map(languageOf).find((each) => each !== undefined) ?? "en";
}

/** How numbers and dates are written: as in the person's own region, when the browser names one of the language. */
export function chooseLocale(language: Language, preferred: readonly string[]): string {
  return preferred.find((tag) => languageOf(tag) === language && tag.includes("-")) ?? DEFAULT_LOCALES[language];
}

/** Only the language that is spoken is loaded. */
async function load(language: Language): Promise<Catalogue> {
  return language === "de" ? (await import("./de/index.ts")).de : en;
}

async function use(language: Language): Promise<string> {
  speak(await load(language));
  document.documentElement.lang = language;
  return chooseLocale(language, navigator.languages);
}

/** @returns the locale of the language that is spoken from now on. */
export function startLanguage(): Promise<string> {
  return use(chooseLanguage(localStorage.getItem(KEY), navigator.languages));
}

/** Changes the language and remembers it. @returns its locale. */
export async function changeLanguage(language: Language): Promise<string> {
  localStorage.setItem(KEY, language);
  return use(language);
}
