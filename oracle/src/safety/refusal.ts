/** A relay was not closed because it would not be safe, or not yet. */
export class CloseRefused extends Error {
  override readonly name = "CloseRefused";
  /** Closing may be tried again after this time; undefined when waiting alone does not help. */
  readonly retryInMs: number | undefined;

  constructor(relay: string, reason: string, retryInMs?: number) {
    super(`${relay}: ${reason}`);
    this.retryInMs = retryInMs;
  }
}
