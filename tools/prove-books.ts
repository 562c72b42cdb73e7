/**
 * `npm run prove:books [-- --crossed N --played N]`: random order books on the contracts and on the reference in plain
 * exact fractions (test/contracts/auction-reference.ts), by default 10,000 crossed and 10,000 cleared and settled; then writes
 * bench/results/books.md. Ends with 1 at the first difference.
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { die, integerOption, ROOT, runNode } from "./cli.ts";

const { values } = parseArgs({ options: { crossed: { type: "string" }, played: { type: "string" } } });
const crossed = integerOption("crossed", values.crossed, 10_000, 150, 10_000_000);
const played = integerOption("played", values.played, 10_000, 40, 10_000_000);

const files = ["TickBook", "CallAuctionFuzz"].map((name) => `test/contracts/${name}.test.ts`);
const { code, output } = await runNode("node_modules/mocha/bin/mocha.js", files, {
  IOE_CROSSED_BOOKS: `${crossed}`,
  IOE_PLAYED_BOOKS: `${played}`,
});
if (code !== 0) die(output);
const counts = Object.assign(
  {},
  ...[...output.matchAll(/^\s*counts (.*)$/gm)].map(([, text]) => JSON.parse(text!) as object),
) as Record<"crossed" | "matched" | "rationed" | "played" | "orders" | "short" | "silent" | "late" | "void", number>;
const number = (value: number): string => value.toLocaleString("en-US");
const text = `# Random order books against the reference

The reference (\`test/contracts/auction-reference.ts\`) clears and settles in plain TypeScript with exact fractions, by trying every
price. \`npm run prove:books -- --crossed ${crossed} --played ${played}\` writes this file; \`npm test\` runs a shorter search.

- **${number(counts.crossed)} books crossed**, as many of every awkward kind: volume, price and every fill are the reference's. ${number(counts.matched)} of
  them met, in ${number(counts.rationed)} the marginal tick was shared.
- **${number(counts.played)} books played** on the whole set of contracts, ${number(counts.orders)} orders from the placement to the last base unit, settled in
  random order: every bill, balance, certificate and what rounding leaves are the reference's. ${number(counts.short)} sellers delivered less than they
  had sold, ${number(counts.silent)} of the meters stayed silent. In ${number(counts.late)} books nobody settled the rest until the claim window was
  over; ${number(counts.void)} accepted asks were void by then.
`;
writeFileSync(resolve(ROOT, "bench/results/books.md"), text);
console.log(text);
