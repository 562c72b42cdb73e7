import type { Text } from "../catalogue.ts";

export const debug: Text["debug"] = {
  title: "Verträge, Funktion für Funktion",
  lead: "Für Entwickler, nur auf einer lokalen Blockchain.",
  contract: "Vertrag",
  function: "Funktion",
  reads: "Lesen",
  writes: "Schreiben",
  read: "Lesen",
  write: "Senden",
  connect: "Zum Senden Wallet verbinden",
};
