export { AlreadyRunning, type ControlAnswer, ControlServer, askOracle, socketPath } from "./control.ts";
