import type { Text } from "../catalogue.ts";

export const notices: Text["notices"] = {
  title: "Neues",
  open: "Neues",
  unread: (count) => `${count} ungelesen`,
  none: "Noch nichts Neues",
  noneNote: "Hier erscheint, was aus Ihren Aufträgen und Lieferungen wird.",
  system: "Auch außerhalb dieser Seite melden",
  systemOn: "Solange die Seite offen ist, erhalten Sie Meldungen auch außerhalb.",
  systemBlocked: "Der Browser erlaubt dieser Seite keine Meldungen.",
  clear: "Leeren",
  cleared: (filled, price) => `Ihr Auftrag wurde angenommen: ${filled} zu ${price}.`,
  notCleared: (energy) => `Ihr Auftrag über ${energy} wurde nicht angenommen; das Geld kommt zurück.`,
  settledBid: (energy, money) => `Sie haben in der Auktion ${energy} für ${money} erhalten.`,
  settledAsk: (energy, money) => `Sie haben in der Auktion ${energy} geliefert und ${money} erhalten.`,
  shortAsk: (energy, filled, penalty) =>
    `Sie haben in der Auktion ${energy} von ${filled} geliefert; für Fehlendes wurden ${penalty} einbehalten.`,
  shortBid: (energy, filled) =>
    `Sie haben in der Auktion ${energy} von ${filled} erhalten; der Rest des Geldes kam zurück.`,
  bought: (energy) => `Jemand kauft ${energy} von Ihnen.`,
  delivered: (energy, money) => `${energy} sind angekommen, für ${money}.`,
  paid: (energy, money) => `Sie haben ${energy} geliefert und ${money} erhalten.`,
  short: (energy, ordered) => `Nur ${energy} von ${ordered} sind geflossen; der Rest des Geldes kam zurück.`,
  offered: (meter) => `${meter} wird Ihnen übergeben: Er gehört Ihnen, sobald Sie annehmen.`,
  soldShort: (energy, ordered) => `Nur ${energy} von ${ordered} sind geflossen; so viel wurde bezahlt.`,
};
