export { type Ask, askAll } from "./ask.ts";
export { type Detected, detect } from "./detect.ts";
export { type Answers, render } from "./render.ts";
