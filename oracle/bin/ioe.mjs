#!/usr/bin/env node
// Plain JavaScript, so that a Node that is too old can still say so.
import { setFlagsFromString } from "node:v8";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`ioe needs Node.js 22.18 or newer (it runs TypeScript as it is); this is ${process.versions.node}.`);
  process.exit(2);
}
// It waits nearly all of the time, and shares a small computer with others: memory is dearer than speed.
setFlagsFromString("--optimize-for-size");
const { main } = await import("../src/cli/main.ts");
await main(process.argv.slice(2));
