import { type Explain, say } from "../catalogue.ts";

/** Only somebody who builds or runs the zone can see these; the person in front of the page can do nothing wrong. */
const internal = (sentence: string): Explain => say(sentence, "Please tell the operator of your community.");

/** One entry for each custom error of the contracts the dApp talks to (`errors.test.ts` compares with the ABIs). */
export const errors: Record<string, Explain> = {
  // DirectMarket
  BelowMinimum: (a) => ({
    sentence: `${a.energy("requested")} is less than the seller's smallest sale of ${a.energy("minimum")}.`,
    advice: "Choose more energy, or all that is left.",
  }),
  DeadlineOutOfRange: (a) => ({
    sentence: `The delivery must end between ${a.time("earliest")} and ${a.time("latest")}.`,
    advice: "Choose another time limit.",
  }),
  DeliveryIsClosed: (a) => ({ sentence: `Delivery ${a.id("deliveryId")} has already ended.` }),
  DeliveryNotDue: (a) => ({
    sentence: `Only buyer and seller can end delivery ${a.id("deliveryId")} before ${a.time("deadline")}.`,
    advice: "Wait until both meters have reported past that time.",
  }),
  DeliveryUnknown: (a) => ({ sentence: `There is no delivery ${a.id("deliveryId")}.`, advice: "Reload the page." }),
  EnforcedPause: say(
    "The operator has paused new offers and purchases.",
    "Running deliveries, withdrawals and cancellations go on. Try again later.",
  ),
  ExpectedPause: say("The market is not paused."),
  ExceedsRemaining: (a) => ({
    sentence: `Only ${a.energy("remaining")} is left of this offer; ${a.energy("requested")} was asked for.`,
    advice: "Somebody may have bought in the meantime. Choose less energy.",
  }),
  ExpiryInPast: (a) => ({
    sentence: `The offer would have ended at ${a.time("expiresAt")}.`,
    advice: "Choose a later end.",
  }),
  ListingExpired: (a) => ({ sentence: `This offer ended at ${a.time("expiresAt")}.`, advice: "Choose another offer." }),
  ListingStale: say("The seller's meter has another owner now.", "Choose another offer."),
  ListingUnknown: say("This offer does not exist.", "Reload the page and choose another one."),
  MeterBusy: (a) => ({
    sentence: `One of the two meters is still busy with delivery ${a.id("deliveryId")}.`,
    advice: "A meter serves one delivery at a time. Wait for its end, or choose another meter.",
  }),
  MeterInactive: (a) => ({
    sentence: `Meter ${a.id("meterId")} is not allowed to trade at present.`,
    advice: "Ask the operator of your community.",
  }),
  MeterOnlyBuys: (a) => ({
    sentence: `Meter ${a.id("meterId")} measures consumption or the utility: nothing behind it is for sale.`,
    advice: "Choose a meter with a plant or a battery behind it.",
  }),
  NotYourMeter: (a) => ({
    sentence: `This account may not trade for meter ${a.id("meterId")}.`,
    advice: "Connect the meter's owner, or let the owner name this account as trader.",
  }),
  PriceAboveLimit: (a) => ({
    sentence: `The price is ${a.price("price")} now, above your limit of ${a.price("limit")}.`,
    advice: "Raise the limit, or wait for a lower price.",
  }),
  PriceOutOfRange: (a) => ({
    sentence: `${a.price("price")} is outside of the allowed range: ${a.price("lowest")} to ${a.price("highest")}.`,
    advice: "Stay between what the utility pays and what it charges.",
  }),
  SameMeter: say("A meter cannot buy from itself.", "Choose another meter."),
  SlotOutOfRange: (a) => ({
    sentence: `Interval ${a.id("slot")} is not part of this delivery (${a.id("first")} to ${a.id("last")}).`,
    advice: "Reload the page.",
  }),
  ZeroEnergy: say("The amount of energy is zero.", "Enter how much energy it should be."),
  SafeCastOverflowedUintDowncast: internal("A figure is too large for the contract."),
  ReentrancyGuardReentrantCall: internal("The contract was called again while it was working."),
  TimesOutOfRange: internal("The contract was deployed with times that do not fit together."),

  // CallAuction
  ClearingNotDue: (a) => ({
    sentence: `The price of slot ${a.id("slot")} can be found from ${a.time("from")} until ${a.time("until")}.`,
    advice: "A slot without a price gives everybody the money back.",
  }),
  EnergyOutOfRange: (a) => ({
    sentence: `An order can be from ${a.energy("least")} to ${a.energy("most")}, not ${a.energy("energy")}.`,
    advice: "The upper end is what the meter's power moves in one slot.",
  }),
  GateClosed: (a) => ({
    sentence: `Slot ${a.id("slot")} took orders until ${a.time("closedAt")}.`,
    advice: "Choose a later slot. What is placed now stays until it is settled.",
  }),
  NotFinalizable: (a) => ({
    sentence: `Sellers of slot ${a.id("slot")} still have ${a.energy("openAsks")} to be settled.`,
    advice: `Wait for their meters, until ${a.time("voidAfter")} at the latest.`,
  }),
  NotOpen: (a) => ({ sentence: `Slot ${a.id("slot")} has no orders, or already has its price.` }),
  NotYourOrder: say(
    "This order stands with another account's money.",
    "Choose another price, or connect the account that placed it.",
  ),
  OrderUnknown: say("This order was taken back or settled already.", "Reload the page."),
  TickFull: (a) => ({
    sentence: `At this price there are orders for ${a.energy("total")}; ${a.energy("added")} more is too much.`,
    advice: "Choose the next price step.",
  }),
  TickOutOfRange: (a) => ({
    sentence: `Price step ${a.id("tick")} is outside of the slot's steps ${a.id("lowest")} to ${a.id("highest")}.`,
    advice: "The prices of the slot changed before its first order. Choose the limit again.",
  }),
  SafeCastOverflowedIntDowncast: internal("An amount is too large for the contract."),
  SafeCastOverflowedIntToUint: internal("The slot's money does not add up."),

  // Vault
  InsufficientBalance: (a) => ({
    sentence: `${a.moneyUp("requested")} is needed, but only ${a.moneyDown("available")} is free in the vault.`,
    advice: "Deposit first, or choose less.",
  }),
  InvalidReceiver: say("Money cannot be sent to the vault itself.", "Enter another address."),
  InsufficientPot: internal("The market's pot does not hold what it should pay out."),
  MarketNotAllowed: say("The market may not use this account's money yet.", "Allow it in the wallet page."),
  ZeroAddress: say("An address is missing.", "Enter the address the money should go to."),
  ZeroAmount: say("The amount is zero.", "Enter an amount."),
  SafeERC20FailedOperation: say(
    "The payment token refused the transfer.",
    "Check that the wallet holds the amount and that the vault is allowed to pull it.",
  ),

  // Payment token
  ERC20InsufficientAllowance: (a) => ({
    sentence: `The vault may only pull ${a.moneyDown("allowance")}; ${a.moneyUp("needed")} is needed.`,
    advice: "Approve the amount first.",
  }),
  ERC20InsufficientBalance: (a) => ({
    sentence: `The wallet holds ${a.moneyDown("balance")}; ${a.moneyUp("needed")} is needed.`,
    advice: "Choose a smaller amount.",
  }),
  ERC20InvalidApprover: say("This account cannot approve payments."),
  ERC20InvalidReceiver: say("Money cannot be sent to this address.", "Check the address."),
  ERC20InvalidSender: say("Money cannot be sent from this address.", "Check the connected account."),
  ERC20InvalidSpender: say("This address cannot be allowed to spend money."),
  ERC2612ExpiredSignature: (a) => ({
    sentence: `The signature was valid until ${a.time("deadline")}.`,
    advice: "Sign again.",
  }),
  ERC2612InvalidSigner: say("The signature is of another account.", "Check which account the wallet signs with."),
  InvalidAccountNonce: say("The signature was used already.", "Sign again."),
  FaucetLimit: (a) => ({
    sentence: `The faucet gives at most ${a.moneyDown("largest")} at a time; ${a.moneyUp("requested")} was asked for.`,
    advice: "Ask for less.",
  }),
  ECDSAInvalidSignature: say("The signature cannot be read.", "Sign again."),
  ECDSAInvalidSignatureLength: say(
    "The signature has a wrong length.",
    "This wallet cannot sign deposits; approve instead.",
  ),
  ECDSAInvalidSignatureS: say("The signature is not in its standard form.", "Sign again."),
  InvalidShortString: internal("The token's name cannot be read."),
  StringTooLong: internal("The token's name is too long."),

  // EnergyToken
  ERC1155InsufficientBalance: (a) => ({
    sentence: `There are certificates for ${a.energy("balance")}; ${a.energy("needed")} is needed.`,
    advice: "Choose less.",
  }),
  ERC1155InvalidApprover: say("This account cannot approve certificates."),
  ERC1155InvalidArrayLength: internal("Lists of certificates and amounts have different lengths."),
  ERC1155InvalidOperator: say("This address cannot be allowed to move certificates."),
  ERC1155InvalidReceiver: say("Certificates cannot be sent to this address.", "Check the address."),
  ERC1155InvalidSender: say("Certificates cannot be sent from this address.", "Check the connected account."),
  ERC1155MissingApprovalForAll: say("This account may not move the owner's certificates.", "Connect the owner."),
  NothingHeld: say("No certificates are waiting for this account."),
  NothingToMint: (a) => ({
    sentence: `Meter ${a.id("meterId")} has no unsold export left in interval ${a.id("slot")}.`,
    advice: "Loads and the grid get no certificates; sold energy has got them already.",
  }),

  // MeterRegistry
  BadAuthorization: (a) => ({ sentence: `The present key of meter ${a.id("meterId")} did not agree to the new one.` }),
  BadPossession: say("The device did not prove that it holds its key.", "Read its code again."),
  ClaimWindowClosed: (a) => ({ sentence: `Interval ${a.id("slot")} is too long ago to be settled.` }),
  ERC5267ExtensionsNotSupported: internal("The contract's signing domain cannot be read."),
  LengthMismatch: internal("Readings and signatures have different lengths."),
  MetersChanged: (a) => ({
    sentence: `Interval ${a.id("slot")} cannot be compared: the meters of the zone have changed since it began.`,
    advice: "Choose an interval that began later.",
  }),
  NoFeeder: say("No meter stands at the common connection point.", "Register one of kind Grid first."),
  NotMarket: say("Only a registered market can do this."),
  NotMeterOwner: (a) => ({
    sentence: `This account does not own meter ${a.id("meterId")}.`,
    advice: "Connect the owner.",
  }),
  NotPendingOwner: (a) => ({
    sentence: `Meter ${a.id("meterId")} was not offered to this account.`,
    advice: "Ask its owner to offer it.",
  }),
  PowerOutOfRange: (a) => ({
    sentence: `${a.id("maxPowerW")} W is more than a meter can count in an interval (${a.id("largest")} W).`,
    advice: "Enter the largest power the meter can see.",
  }),
  RotationPending: (a) => ({
    sentence: `Meter ${a.id("meterId")} is already changing its key.`,
    advice: "Wait until that is done.",
  }),
  SignerAlreadyUsed: (a) => ({
    sentence: `This key belongs to meter ${a.id("meterId")}.`,
    advice: "A key serves one meter, ever. Make a new one.",
  }),
  SlotIncomplete: (a) => ({
    sentence: `Only ${a.id("completeMeters")} of ${a.id("activeMeters")} meters have reported all of interval ${a.id("slot")}.`,
    advice: "Wait for the others, or choose another interval.",
  }),
  SlotTooFar: say("This slot lies too far in the future.", "Choose an earlier one."),
  SlotNotInFuture: say("The change must begin in a future interval."),
  UnknownMeter: (a) => ({ sentence: `There is no meter ${a.id("meterId")}.`, advice: "Reload the page." }),
  UnsupportedSigner: say(
    "This kind of key is not supported, or was made for another community.",
    "Use an address, or a P-256 key that names this community's meter registry.",
  ),
  ZeroResolution: say("The meter's resolution is zero.", "Enter its smallest step."),

  // Tariff
  FeeTooHigh: (a) => ({ sentence: `A grid fee of ${a.price("gridFee")} must stay below ${a.price("below")}.` }),
  FeedInZero: say("The feed-in price is zero."),
  PriceBeyondLastTick: (a) => ({
    sentence: `${a.price("price")} is above the highest price of ${a.price("largest")}.`,
  }),
  PriceOffTick: (a) => ({
    sentence: `${a.price("price")} is between two steps: prices start at ${a.price("minPrice")} and go up by ${a.price("tickSize")}.`,
  }),
  TariffTooSoon: say("New prices must be announced earlier."),
  TickSizeZero: internal("The price step is zero."),

  // Access
  AccessManagedInvalidAuthority: internal("The contract's authority is not valid."),
  AccessManagedRequiredDelay: say("This power has a waiting time.", "Schedule it first."),
  AccessManagedUnauthorized: say("This account is not allowed to do this.", "Connect the operator's account."),
  AccessManagerAlreadyScheduled: say("This change is waiting already.", "Carry it out, or cancel it first."),
  AccessManagerBadConfirmation: say("The role was not confirmed by its holder."),
  AccessManagerInvalidInitialAdmin: internal("The contracts were deployed without an administrator."),
  AccessManagerLockedFunction: internal("This function's role cannot be changed."),
  AccessManagerLockedRole: internal("This role cannot be changed."),
  AccessManagerUnauthorizedConsume: internal("A prepared change was used by the wrong contract."),
  AccessManagerExpired: say("This change was not carried out in time.", "Prepare it again."),
  AccessManagerNotReady: say("The waiting time of this change is not over yet.", "Try again later."),
  AccessManagerNotScheduled: say("This change was not prepared, or was carried out already.", "Prepare it first."),
  AccessManagerUnauthorizedAccount: say("This account does not have the role for this."),
  AccessManagerUnauthorizedCall: say("This account is not allowed to do this.", "Connect the operator's account."),
  AccessManagerUnauthorizedCancel: say("This account may not cancel the change."),
};
