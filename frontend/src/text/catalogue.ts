import type { Format } from "../format/index.ts";
import type { en } from "./en/index.ts";

/** All words of a language. English is the original: every other language has its keys, and takes the same parameters. */
export interface Catalogue {
  text: Text;
  errors: Record<string, Explain>;
  reasons: Reasons;
}

export type Text = (typeof en)["text"];

/** What a contract's refusal means for a person, and what to do about it. */
export interface Explanation {
  sentence: string;
  advice?: string;
}

/** The error's arguments by their names in the ABI, read as what they are. */
export interface ErrorArgs {
  energy(name: string): string;
  moneyUp(name: string): string;
  moneyDown(name: string): string;
  price(name: string): string;
  time(name: string): string;
  id(name: string): string;
}

export type Explain = (args: ErrorArgs) => Explanation;

export const say =
  (sentence: string, advice?: string): Explain =>
  () => ({ sentence, advice });

/** Why a form cannot be sent yet. Forms put them in the order in which a person would solve them. */
export type Reason =
  | { code: "noWallet" }
  | { code: "wrongNetwork" }
  | { code: "loading" }
  | { code: "offerGone" }
  | { code: "marketPaused" }
  | { code: "noMeter" }
  | { code: "noSeller" }
  | { code: "sameMeter" }
  | { code: "meterInactive"; meterId: number }
  | { code: "amountMissing" }
  | { code: "amountInvalid"; message: string }
  | { code: "amountZero" }
  | { code: "amountTooLarge"; largest: bigint }
  | { code: "moreThanRemains"; remaining: bigint }
  | { code: "belowMinimum"; minimum: bigint }
  | { code: "minimumAboveEnergy"; energy: bigint }
  | { code: "priceMissing" }
  | { code: "priceInvalid"; message: string }
  | { code: "priceAboveLimit"; price: bigint; limit: bigint }
  | { code: "priceBelowFeedIn"; lowest: bigint }
  | { code: "priceAboveRetail"; highest: bigint }
  | { code: "depositFirst"; missing: bigint }
  | { code: "notEnoughMoney"; cost: bigint; free: bigint }
  | { code: "marketNotAllowed" }
  | { code: "auctionNotAllowed" }
  | { code: "ownerDepositsFirst" }
  | { code: "ownerAllowsFirst" }
  | { code: "auctionPaused" }
  | { code: "gateClosed"; closedAt: number }
  | { code: "changeTooLate" }
  | { code: "orderTooSmall"; least: bigint }
  | { code: "orderTooLarge"; most: bigint }
  | { code: "limitOutOfRange"; lowest: bigint; highest: bigint }
  | { code: "sellerBusy"; until: number }
  | { code: "buyerBusy"; until: number }
  | { code: "aboveWallet"; wallet: bigint }
  | { code: "aboveFree"; free: bigint }
  | { code: "aboveCertificates"; balance: bigint }
  | { code: "aboveFaucet"; largest: bigint }
  | { code: "purposeMissing" }
  | { code: "addressMissing" }
  | { code: "addressInvalid" }
  | { code: "ownAccount" }
  | { code: "noTrader" }
  | { code: "notOffered" }
  | { code: "notAllowed" }
  | { code: "wait"; seconds: number }
  | { code: "alreadyAnnounced" }
  | { code: "announceAgain" }
  | { code: "codeMissing" }
  | { code: "codeInvalid" }
  | { code: "priceOffStep"; step: bigint }
  | { code: "priceBelow"; lowest: bigint }
  | { code: "priceBeyond"; highest: bigint }
  | { code: "feeTooHigh"; below: bigint }
  | { code: "nothingChosen" };

/** The words of a button that is off, or that leads to the solution; one entry for each reason. */
export type Reasons = {
  [Code in Reason["code"]]: (reason: Extract<Reason, { code: Code }>, format: Format) => string;
};
