/** Compiles what a zone consists of for production, if it has changed: a minute of a core. */
import { production } from "./deploy-network.ts";

await production();
