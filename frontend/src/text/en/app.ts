/** What every page shares. Parameters arrive formatted (see `format/`). */
export const app = {
  appName: "Internet of Energy",
  skip: "Skip to content",
  nav: {
    label: "Pages",
    market: "Market",
    auction: "Auction",
    deliveries: "Deliveries",
    energy: "Energy",
    wallet: "Wallet",
    bills: "Bills",
  },
  close: "Close",
  cancel: "Cancel",
  max: "Max",
  more: "Show more",
  pager: {
    label: "Pages of the list",
    back: "Back",
    next: "Next",
    range: (from: string, to: string, count: string) => `${from} – ${to} of ${count}`,
  },
  all: "All",
  /** Keeps a line's height. */
  nbsp: "\u00a0",
  /** Names the other language, in that language. */
  language: { change: "Deutsch", changeTo: "de" },
  theme: { label: (now: string) => `Colours: ${now}. Change`, system: "like the device", light: "light", dark: "dark" },
  notFound: { title: "Nothing here", lead: "This page does not exist.", back: "To the market" },

  input: {
    /** As in this language's numbers. */
    decimalMark: ".",
    notAmount: (typed: string) => `“${typed}” is not a number. Use digits and a point only, such as 0.1.`,
    tooFine: (typed: string, decimals: number) => `“${typed}” is too fine: at most ${decimals} decimals.`,
    grouped: (typed: string) => `“${typed}” can be read in two ways. Write it without a comma; decimals after a point.`,
  },

  start: {
    loading: "Looking for your energy community …",
    missing: {
      title: "No energy community yet",
      lead: "This page needs to know where the contracts are, and found no deployment file.",
      how: "Start a local one with a working micro-grid, in the project's folder:",
      command: "npm start",
      after: "This page opens by itself as soon as it is there.",
    },
    offline: {
      title: "No connection",
      lead: "This page opened from what the device keeps of it; figures and trades need a connection.",
      after: "It goes on by itself as soon as there is one.",
    },
    invalid: { title: "The deployment file is damaged", after: "Correct the file, then reload the page." },
    unreachable: {
      title: "The blockchain does not answer",
      lead: (url: string) => `Nothing answers at ${url}.`,
      how: "For a local community, start it in the project's folder:",
      after: "This page tries again every few seconds.",
    },
    otherWorld: {
      title: "The blockchain is not the one of the deployment",
      lead: (url: string) =>
        `The node at ${url} belongs to another chain, or was started anew since the contracts were deployed.`,
      how: "Start the community again; it deploys and writes a new file:",
      after: "This page tries again every few seconds.",
    },
    crashed: {
      title: "Something broke in this page",
      after: "Your money and your deliveries are not affected.",
      reload: "Reload",
    },
  },

  /** While the chain's history is read at a first visit, or after a long absence. */
  history: {
    label: "Reading the history",
    progress: (read: string, of: string) => `Reading the history: ${read} of ${of} blocks`,
    share: (percent: string) => `Reading the history: ${percent}`,
    done: "The history is complete.",
  },

  connection: {
    lost: (age: string, since: string) => `No answer from the blockchain for ${age}. Figures are from ${since}.`,
    wrongNetwork: (name: string) =>
      `Your wallet is on another network. You can look around; to trade, change to ${name}.`,
    fix: "Switch network",
    fixFailed: "The wallet did not switch. Change the network in the wallet itself.",
  },

  wallets: {
    connect: "Connect",
    title: "Connect a wallet",
    installed: "Wallets in this browser",
    none: "No wallet was found in this browser. Install one, such as MetaMask or Rabby, then reload this page.",
    demo: "Households of this demo",
    demoNote: "Test accounts with play money. Only on a local chain.",
    demoMeters: (count: number, ids: string) => (count === 1 ? `Meter ${ids}` : `Meters ${ids}`),
    operator: "Operator",
    household: (number: number) => `Household ${number}`,
    connected: "Connected account",
    change: "Use another account",
    disconnect: "Disconnect",
    copy: "Copy address",
    copied: "Copied",
    free: "Free money",
  },

  transaction: {
    list: "Transactions",
    checking: "Checking …",
    signing: "Waiting for your signature …",
    pending: "Sent, waiting for the next block …",
    confirmed: "Done",
    failed: "Not done",
    rejected: "Cancelled",
    replaced: "Replaced in the wallet by another transaction",
    lost: "Unknown: nothing had been sent when the page was reloaded. Look into your wallet.",
    forgotten: "Unknown: your wallet cannot say what became of it. Look there before you try again.",
    superseded: "Unknown: the blockchain no longer knows it. Was it sped up or cancelled in your wallet? Look there.",
    dismiss: (title: string) => `Dismiss: ${title}`,
  },

  failure: {
    rejected: "You said no in the wallet. Nothing was sent.",
    refused: (reason: string) => `The contract refused: ${reason}`,
    changedMeanwhile: "Something changed between the check and the block. Nothing was moved; try again.",
    noFees: {
      sentence: "This account has no money for the network's fee.",
      advice: "Send it a little of the network's own currency first.",
    },
    nonce: {
      sentence: "The wallet counts this account's transactions differently from the chain.",
      advice: "After a restart of a local chain: clear the account's activity in the wallet's settings.",
    },
    unknown: (reason: string) => `That did not work: ${reason}`,
    noAnswer: { sentence: "The blockchain did not answer.", advice: "Check the connection and try again." },
  },

  meter: {
    name: (id: number) => `Meter ${id}`,
    onlyBuys:
      "Your meters measure consumption or the utility: nothing behind them is for sale. Energy is sold from a meter with a plant or a battery behind it.",
    kinds: {
      load: "Consumer",
      solar: "Solar",
      wind: "Wind",
      hydro: "Hydro",
      battery: "Battery",
      grid: "Grid",
      prosumer: "Prosumer",
      mixed: "Mixed",
    },
  },
};
