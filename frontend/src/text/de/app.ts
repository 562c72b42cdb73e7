import type { Text } from "../catalogue.ts";

export const app: Omit<
  Text,
  "market" | "auction" | "deliveries" | "wallet" | "energy" | "bills" | "notices" | "operator" | "debug"
> = {
  appName: "Internet of Energy",
  skip: "Zum Inhalt springen",
  nav: {
    label: "Seiten",
    market: "Markt",
    auction: "Auktion",
    deliveries: "Lieferungen",
    energy: "Energie",
    wallet: "Konto",
    bills: "Rechnung",
  },
  close: "Schließen",
  cancel: "Abbrechen",
  max: "Max.",
  more: "Mehr anzeigen",
  pager: {
    label: "Seiten der Liste",
    back: "Zurück",
    next: "Weiter",
    range: (from, to, count) => `${from} – ${to} von ${count}`,
  },
  all: "Alles",
  nbsp: "\u00a0",
  language: { change: "English", changeTo: "en" },
  theme: { label: (now) => `Farben: ${now}. Ändern`, system: "wie das Gerät", light: "hell", dark: "dunkel" },
  notFound: {
    title: "Hier ist nichts",
    lead: "Diese Seite gibt es nicht.",
    back: "Zum Markt",
  },
  input: {
    decimalMark: ",",
    notAmount: (typed) => `„${typed}“ ist keine Zahl. Bitte nur Ziffern und ein Komma, zum Beispiel 0,1.`,
    tooFine: (typed, decimals) => `„${typed}“ ist zu genau: höchstens ${decimals} Nachkommastellen.`,
    grouped: (typed) => `„${typed}“ ist nicht eindeutig. Bitte ohne Punkt schreiben; Nachkommastellen mit Komma.`,
  },

  start: {
    loading: "Ihre Energiegemeinschaft wird gesucht …",
    missing: {
      title: "Noch keine Energiegemeinschaft",
      lead: "Diese Seite muss wissen, wo die Verträge liegen, und hat keine Datei dazu gefunden.",
      how: "Eine eigene mit funktionierendem Kleinnetz startet im Ordner des Projekts mit:",
      command: "npm start",
      after: "Sobald sie da ist, öffnet sich diese Seite von selbst.",
    },
    offline: {
      title: "Keine Verbindung",
      lead: "Diese Seite wurde vom Gerät selbst geöffnet; Zahlen und Geschäfte brauchen eine Verbindung.",
      after: "Sobald es wieder eine gibt, geht es von selbst weiter.",
    },
    invalid: {
      title: "Die Datei der Energiegemeinschaft ist beschädigt",
      after: "Bitte die Datei berichtigen und die Seite neu laden.",
    },
    unreachable: {
      title: "Die Blockchain antwortet nicht",
      lead: (url) => `Unter ${url} antwortet niemand.`,
      how: "Eine Gemeinschaft auf diesem Rechner startet im Ordner des Projekts mit:",
      after: "Diese Seite versucht es alle paar Sekunden erneut.",
    },
    otherWorld: {
      title: "Das ist eine andere Blockchain",
      lead: (url) =>
        `Der Knoten unter ${url} gehört zu einer anderen Blockchain oder wurde neu gestartet, seit die Verträge angelegt wurden.`,
      how: "Bitte die Gemeinschaft neu starten; sie legt die Verträge und die Datei neu an:",
      after: "Diese Seite versucht es alle paar Sekunden erneut.",
    },
    crashed: {
      title: "Auf dieser Seite ist etwas schiefgegangen",
      after: "Ihr Geld und Ihre Lieferungen sind davon nicht betroffen.",
      reload: "Neu laden",
    },
  },

  history: {
    label: "Die Vorgeschichte wird gelesen",
    progress: (read, of) => `Die Vorgeschichte wird gelesen: ${read} von ${of} Blöcken`,
    share: (percent) => `Die Vorgeschichte wird gelesen: ${percent}`,
    done: "Die Vorgeschichte ist vollständig.",
  },
  connection: {
    lost: (age, since) => `Seit ${age} keine Antwort von der Blockchain. Alle Angaben sind von ${since}.`,
    wrongNetwork: (name) =>
      `Ihre Wallet ist mit einem anderen Netz verbunden. Ansehen geht; zum Handeln bitte zu ${name} wechseln.`,
    fix: "Netz wechseln",
    fixFailed: "Die Wallet hat nicht gewechselt. Bitte das Netz in der Wallet selbst ändern.",
  },

  wallets: {
    connect: "Verbinden",
    title: "Wallet verbinden",
    installed: "Wallets in diesem Browser",
    none: "In diesem Browser wurde keine Wallet gefunden. Installieren Sie eine, zum Beispiel MetaMask oder Rabby, und laden Sie die Seite neu.",
    demo: "Haushalte dieser Vorführung",
    demoNote: "Testkonten mit Spielgeld. Nur auf einer lokalen Blockchain.",
    demoMeters: (count, ids) => (count === 1 ? `Zähler ${ids}` : `Zähler ${ids}`),
    operator: "Betreiber",
    household: (number) => `Haushalt ${number}`,
    connected: "Verbundenes Konto",
    change: "Anderes Konto verwenden",
    disconnect: "Trennen",
    copy: "Adresse kopieren",
    copied: "Kopiert",
    free: "Freies Guthaben",
  },

  transaction: {
    list: "Vorgänge",
    checking: "Wird geprüft …",
    signing: "Wartet auf Ihre Unterschrift …",
    pending: "Abgeschickt, wartet auf den nächsten Block …",
    confirmed: "Erledigt",
    failed: "Nicht ausgeführt",
    rejected: "Abgebrochen",
    replaced: "In der Wallet durch einen anderen Vorgang ersetzt",
    lost: "Unbekannt: Vor dem Neuladen der Seite war noch nichts abgeschickt. Bitte in der Wallet nachsehen.",
    forgotten:
      "Unbekannt: Ihre Wallet kann nicht sagen, was daraus wurde. Sehen Sie dort nach, bevor Sie es noch einmal versuchen.",
    superseded:
      "Unbekannt: Die Blockchain kennt ihn nicht mehr. Wurde er in Ihrer Wallet beschleunigt oder abgebrochen? Bitte dort nachsehen.",
    dismiss: (title) => `Ausblenden: ${title}`,
  },

  failure: {
    rejected: "Sie haben in der Wallet abgelehnt. Es wurde nichts abgeschickt.",
    refused: (reason) => `Der Vertrag hat abgelehnt: ${reason}`,
    changedMeanwhile:
      "Zwischen Prüfung und Ausführung hat sich etwas geändert. Es wurde nichts bewegt; bitte erneut versuchen.",
    noFees: {
      sentence: "Dieses Konto hat kein Geld für die Netzgebühr.",
      advice: "Bitte zuerst etwas von der Währung des Netzes dorthin senden.",
    },
    nonce: {
      sentence: "Die Wallet zählt die Vorgänge dieses Kontos anders als die Blockchain.",
      advice:
        "Nach einem Neustart einer lokalen Blockchain bitte in den Einstellungen der Wallet den Verlauf des Kontos löschen.",
    },
    noAnswer: {
      sentence: "Die Blockchain hat nicht geantwortet.",
      advice: "Bitte die Verbindung prüfen und erneut versuchen.",
    },
    unknown: (reason) => `Das hat nicht geklappt: ${reason}`,
  },

  meter: {
    onlyBuys:
      "Ihre Zähler messen Verbrauch oder das Netz: Dahinter ist nichts zu verkaufen. Verkauft wird von einem Zähler mit Anlage oder Batterie dahinter.",
    name: (id) => `Zähler ${id}`,
    kinds: {
      load: "Verbraucher",
      solar: "Solar",
      wind: "Wind",
      hydro: "Wasserkraft",
      battery: "Batterie",
      grid: "Netzanschluss",
      prosumer: "Haus mit Erzeugung",
      mixed: "Gemischt",
    },
  },
};
