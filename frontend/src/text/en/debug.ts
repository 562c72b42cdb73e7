export const debug = {
  title: "Contracts, function by function",
  lead: "For developers, on a local chain only.",
  contract: "Contract",
  function: "Function",
  reads: "Read",
  writes: "Write",
  read: "Read",
  write: "Send",
  connect: "Connect a wallet to send",
};
