/** EIP-7825: no transaction may ask for more gas. */
export const MOST_GAS = 2n ** 24n;
/** Of a block: others want to get in, too, and the outbox adds half of the estimate as a reserve. */
const SHARE_OF_BLOCK = 3n;

/** Most gas a batch may be estimated at. */
export function roomFor(blockGasLimit: bigint): bigint {
  const share = blockGasLimit / SHARE_OF_BLOCK;
  const most = (MOST_GAS * 2n) / 3n;
  return share < most ? share : most;
}
