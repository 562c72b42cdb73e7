/** Who acts, with which wallet, and what became of what they sent. */
export { AccountButton } from "./AccountButton.tsx";
export { ActionButton } from "./ActionButton.tsx";
export { createWalletConfig } from "./config.ts";
export { ConnectFirst } from "./ConnectFirst.tsx";
export { useMeterName, useAccountName } from "./names.ts";
export { explain, type Failure } from "./explain.ts";
export { NetworkNotice } from "./NetworkNotice.tsx";
export { usePermit } from "./permit.ts";
export { type Call, call, resumeTransactions, type Sent, useSend } from "./send.ts";
export { useSendTogether } from "./together.ts";
export { type Session, useSession } from "./session.ts";
export { Transactions } from "./Transactions.tsx";
export { WalletDialogProvider, useWalletDialog } from "./WalletDialog.tsx";
