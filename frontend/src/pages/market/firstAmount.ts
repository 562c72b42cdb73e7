/** What a purchase starts with: a tenth of a kWh, or what the offer allows. */
export function firstAmount(offer: { remaining: bigint; minEnergy: bigint }, unitsPerKWh: bigint): bigint {
  const tenth = unitsPerKWh / 10n;
  const wanted = tenth < offer.minEnergy ? offer.minEnergy : tenth;
  return wanted < offer.remaining ? wanted : offer.remaining;
}
