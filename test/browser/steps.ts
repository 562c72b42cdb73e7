/// <reference lib="dom" />
/** What a person does on every page. */
import AxeBuilder from "@axe-core/playwright";
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";

export const PAGES = ["market", "auction", "deliveries", "energy", "wallet", "bills"] as const;
/** A desktop and the narrowest phone. */
export const SIZES = [
  [1_280, 900],
  [360, 740],
] as const;

export const on = (page: Page) => ({
  at: (id: string): Locator => page.getByTestId(id),
  go: (name: string) => page.getByTestId(`nav-${name}`).filter({ visible: true }).click(),
});

/** What a person reads; the page keeps numbers and units together with narrow and non-breaking spaces. */
export const plain = (text: string) => text.replace(/\s/g, " ");

export async function connect(page: Page): Promise<void> {
  const { at } = on(page);
  await at("connect").click();
  await at("wallet-option").filter({ hasText: "Wallet under test" }).click();
  await at("account").waitFor();
}

/** What breaks WCAG 2.2 AA (or a good practice) on a page, targets smaller than 24 px included. */
export async function violations(page: Page): Promise<string[]> {
  // axe does not know that an open dialog lies above everything: it takes what is below for overlapping targets.
  const isCovered = (await page.locator("dialog[open]").count()) > 0;
  const axe = new AxeBuilder({ page }).options({ rules: { "target-size": { enabled: !isCovered } } });
  return (await axe.analyze()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

export const sidewaysPx = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

/** Looks at what is open in both themes and at both sizes. @param keep gets to see each of them. */
export async function expectClean(
  page: Page,
  name: string,
  keep: (view: { width: number; colorScheme: "light" | "dark" }) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (const [width, height] of SIZES) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const where = `${name}, ${colorScheme}, ${width} px`;
      expect(await violations(page), where).to.deep.equal([]);
      expect(await sidewaysPx(page), `${where}: scrolls sideways`).to.be.at.most(0);
      await keep({ width, colorScheme });
    }
  }
  await page.setViewportSize({ width: SIZES[0][0], height: SIZES[0][1] });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
}
