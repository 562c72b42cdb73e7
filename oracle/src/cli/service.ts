import { createLogger, reasonOf } from "../log.ts";
import { EXIT } from "./command.ts";

export const WITH_PARENT = { help: "end, with relays open, when standard input closes" } as const;

/** The service's unit kills after ten. */
const STOPPING_MS = 8_000;

/**
 * Runs until a signal, a crash or, with `withParent`, the end of standard input. After a signal the work has eight seconds
 * to end, after a crash two: relays open first, and what hangs behind them must not keep the process.
 */
export async function service(withParent: boolean, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const end = (reason: string) => stop.abort(new Error(reason));
  // Also when the terminal goes, and however often: a signal that nobody handles ends the process with relays as they are.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.on(signal, () => {
      end(signal);
      setTimeout(() => process.exit(), STOPPING_MS).unref();
    });
  if (withParent)
    process.stdin
      .on("end", () => end("parent"))
      .on("close", () => end("parent"))
      .resume();
  const log = createLogger();
  const crash = (kind: string) => (error: unknown) => {
    log.error(kind, { reason: reasonOf(error), stack: error instanceof Error ? error.stack : undefined });
    process.exitCode = EXIT.failed;
    end(kind);
    // Relays are being opened; whatever else hangs must not keep the process.
    setTimeout(() => process.exit(EXIT.failed), 2_000).unref();
  };
  process.once("uncaughtException", crash("uncaught-exception"));
  process.once("unhandledRejection", crash("unhandled-rejection"));
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    if (process.exitCode === undefined) log.debug("stopped-early", { reason: reasonOf(error) });
  } finally {
    process.stdin.pause();
  }
  // Sockets that are still closing have nothing left to say.
  process.exit();
}
