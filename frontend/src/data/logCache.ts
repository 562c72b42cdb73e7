import { numberToHex } from "viem";
import { decoderOf } from "./decode.ts";
import type { Tell } from "./history.ts";
import { addToLedger, EMPTY_LEDGER, type Ledger, LEDGER_EVENTS, LEDGER_SHAPE } from "./ledger.ts";
import { followLogs, type Kept } from "./logs.ts";
import { openShelf } from "./shelf.ts";
import type { Zone } from "./zone.ts";

const decoder = decoderOf(LEDGER_EVENTS);

/** The ledger of the zone, see `ledger.ts`. */
export function createLogCache(
  zone: Zone,
  tell?: Tell,
  shelf = openShelf<Kept<Ledger>>(zone.id, "ledger", LEDGER_SHAPE),
) {
  const { MeterRegistry, DirectMarket, CallAuction, EnergyToken, Vault } = zone.contracts;
  const address = [MeterRegistry, DirectMarket, CallAuction, EnergyToken, Vault];
  return followLogs(
    zone,
    async (client, from, to) => {
      const [fromBlock, toBlock] = [numberToHex(from), numberToHex(to)];
      const filter = { address, topics: [decoder.topics], fromBlock, toBlock };
      return decoder.decode(await client.request({ method: "eth_getLogs", params: [filter] }));
    },
    { empty: EMPTY_LEDGER, add: addToLedger },
    { shelf, tell },
  );
}

export type LogCache = ReturnType<typeof createLogCache>;
