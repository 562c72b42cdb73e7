/** German, with "Sie" or without an address. */
import type { Catalogue } from "../catalogue.ts";
import { app } from "./app.ts";
import { auction } from "./auction.ts";
import { bills } from "./bills.ts";
import { debug } from "./debug.ts";
import { deliveries } from "./deliveries.ts";
import { energy } from "./energy.ts";
import { errors } from "./errors.ts";
import { market } from "./market.ts";
import { notices } from "./notices.ts";
import { operator } from "./operator.ts";
import { reasons } from "./reasons.ts";
import { wallet } from "./wallet.ts";

export const de: Catalogue = {
  text: { ...app, market, auction, deliveries, wallet, energy, bills, notices, operator, debug },
  errors,
  reasons,
};
