/** The one module that turns exact integers into text for people, and people's text into exact integers. */
export { createFormat, type Format, type Units } from "./format.ts";
export { parseInput, type Parsed } from "./input.ts";
