/** What the dApp knows: the deployment, the chain's state in step with its blocks, and the oracles' live figures. */
export { sameAddress } from "./address.ts";
export { type Funds, useFunds } from "./account.ts";
export {
  type Book,
  type Status,
  tickPrice,
  useAuctionPaused,
  useBook,
  useBooks,
  useFills,
  useMyOrders,
} from "./auctions.ts";
export { describeCertificate } from "./certificates.ts";
export {
  type ChainFeed,
  ChainProvider,
  openFeed,
  useCurrentSlot,
  useFeed,
  useHead,
  useHistoryProgress,
  useLedger,
  useNow,
  usePresent,
} from "./chain.tsx";
export { useBlockTimes } from "./times.ts";
export { type FeederSlot, type Mismatch, useFeeder, useMeterCounts, useMismatches } from "./feeder.ts";
export { addFlows, type Flows, flowsBySlot, flowsOf, NO_FLOWS, type Traded, tradedBySlot } from "./flows.ts";
export { type LoadedDeployment, loadDeployment } from "./deployment.ts";
export { useSecond } from "./head.ts";
export type { AuctionRecord, DeliveryRecord, Ledger, Meter, MoneyMove, OrderRecord, Outcome } from "./ledger.ts";
export { useBusy, useMarketPaused, useOffers } from "./listings.ts";
export type { Offer } from "./offers.ts";
export { type Live, useLive } from "./live.ts";
export {
  KINDS,
  kindOf,
  maySell,
  type MeterKind,
  type Registers,
  useMyMeters,
  useRegisters,
  useRegistersAt,
} from "./meters.ts";
export { type Announced, useAnnounced } from "./announced.ts";
export { type Balance, type PricePoint, type Prices, useBalance, usePriceHistory, usePrices } from "./prices.ts";
export { everOwned, type OwnerIn, useOwnerIn } from "./owners.ts";
export { type Measured, type Registered, useMeasured, useRegistered } from "./readings.ts";
export type { SlotEnergy, SlotRegisters } from "./slotEnergy.ts";
export { type DeliveryEvent, type OrderEvent, useDeliveryStory, useOrderStory, useTransactionFacts } from "./story.ts";
export type { Reading, Told } from "./storyOrder.ts";
export { ofOwner } from "./tenures.ts";
export { useUnsold, type Unsold } from "./unsold.ts";
export { hasAnyPower, type Power, type Powers, useNoticeSlots, usePowers, useSchedule } from "./powers.ts";
export { isLocalChain, openZone, useFormat, useZone, type Zone } from "./zone.ts";
