/** Blocks on top of a transaction that what it is worth asks for. */
export interface Finality {
  /** From this value on, base units of the payment token. */
  readonly fromValue: number;
  readonly confirmations: number;
}

/**
 * The most that any step of the table up to the value asks for; 0 when none does.
 * @param value base units of the payment token.
 */
export function confirmationsFor(table: readonly Finality[], value: bigint): number {
  return Math.max(0, ...table.filter((step) => value >= BigInt(step.fromValue)).map((step) => step.confirmations));
}
