import type { Deployment } from "@ioe/protocol";
import { worldOf } from "../chain/index.ts";
import { Journal } from "../journal/index.ts";

/**
 * The journal of a process that sends. Without a memory of what was sent, nothing more may be sent, and a person has to look.
 * @param asked aborts when somebody wants the process to end.
 * @returns `signal`, which aborts when the journal breaks as well, and `broken`, which then says why.
 */
export function openSenderJournal(path: string, deployment: Deployment, asked: AbortSignal) {
  const broken = new AbortController();
  const journal = new Journal(path, worldOf(deployment), (error) => broken.abort(error));
  return { journal, broken: broken.signal, signal: AbortSignal.any([asked, broken.signal]) };
}
