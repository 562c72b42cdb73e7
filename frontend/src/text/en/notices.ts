/** What happened while nobody looked. */
export const notices = {
  title: "News",
  open: "News",
  unread: (count: number) => (count === 1 ? "1 unread" : `${count} unread`),
  none: "Nothing new yet",
  noneNote: "What happens to your orders and deliveries appears here.",
  system: "Also tell me outside of this page",
  systemOn: "You are also told outside of this page, while it is open.",
  systemBlocked: "The browser does not allow notifications for this page.",
  clear: "Clear",
  cleared: (filled: string, price: string) => `Your order was accepted: ${filled} at ${price}.`,
  notCleared: (energy: string) => `Your order of ${energy} was not accepted; the money comes back.`,
  settledBid: (energy: string, money: string) => `You received ${energy} in the auction for ${money}.`,
  settledAsk: (energy: string, money: string) => `You delivered ${energy} in the auction and were paid ${money}.`,
  shortAsk: (energy: string, filled: string, penalty: string) =>
    `You delivered ${energy} of ${filled} in the auction; ${penalty} were taken for what was missing.`,
  shortBid: (energy: string, filled: string) =>
    `You received ${energy} of ${filled} in the auction; the rest of the money came back.`,
  bought: (energy: string) => `${energy} of yours are being bought.`,
  delivered: (energy: string, money: string) => `${energy} arrived, for ${money}.`,
  paid: (energy: string, money: string) => `You delivered ${energy} and were paid ${money}.`,
  short: (energy: string, ordered: string) => `Only ${energy} of ${ordered} flowed; the rest of the money came back.`,
  offered: (meter: string) => `${meter} is offered to you: it is yours when you accept it.`,
  soldShort: (energy: string, ordered: string) => `Only ${energy} of ${ordered} flowed; that much was paid.`,
};
