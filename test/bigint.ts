/**
 * Mocha's parallel workers tell what failed as JSON, which knows no bigint: without this the failure itself would be lost, and
 * the rest of its file with it.
 */
Object.defineProperty(BigInt.prototype, "toJSON", {
  value(this: bigint) {
    return `${this}n`;
  },
});
