import { type MeterRegistration, parseRegistration, RegistrationError } from "@ioe/protocol";

/** Where a registration has to come from to be taken here. */
export interface Place {
  chainId: number;
  registry: string;
}

export type Application =
  | { kind: "empty" }
  | { kind: "invalid"; message: string }
  | { kind: "elsewhere" }
  | { kind: "ready"; registration: MeterRegistration };

/** What a pasted or scanned text asks for, and whether this community can grant it. */
export function readApplication(typed: string, { chainId, registry }: Place): Application {
  if (typed.trim() === "") return { kind: "empty" };
  try {
    const registration = parseRegistration(typed);
    const isHere = registration.chainId === chainId && registration.registry.toLowerCase() === registry.toLowerCase();
    return isHere ? { kind: "ready", registration } : { kind: "elsewhere" };
  } catch (error) {
    if (!(error instanceof RegistrationError)) throw error;
    return { kind: "invalid", message: error.message };
  }
}
