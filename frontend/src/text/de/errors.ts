import { type Explain, say } from "../catalogue.ts";

const internal = (sentence: string): Explain => say(sentence, "Bitte melden Sie das dem Betreiber Ihrer Gemeinschaft.");

export const errors: Record<string, Explain> = {
  // DirectMarket
  BelowMinimum: (a) => ({
    sentence: `${a.energy("requested")} ist weniger als die kleinste Menge des Verkäufers von ${a.energy("minimum")}.`,
    advice: "Bitte mehr wählen oder alles, was übrig ist.",
  }),
  DeadlineOutOfRange: (a) => ({
    sentence: `Die Lieferung muss zwischen ${a.time("earliest")} und ${a.time("latest")} enden.`,
    advice: "Bitte ein anderes Zeitlimit wählen.",
  }),
  DeliveryIsClosed: (a) => ({ sentence: `Lieferung ${a.id("deliveryId")} ist schon beendet.` }),
  DeliveryNotDue: (a) => ({
    sentence: `Vor ${a.time("deadline")} können nur Käufer und Verkäufer die Lieferung ${a.id("deliveryId")} beenden.`,
    advice: "Bitte warten, bis beide Zähler über diese Zeit hinaus gemeldet haben.",
  }),
  DeliveryUnknown: (a) => ({
    sentence: `Eine Lieferung ${a.id("deliveryId")} gibt es nicht.`,
    advice: "Bitte die Seite neu laden.",
  }),
  EnforcedPause: say(
    "Der Betreiber hat neue Angebote und Käufe angehalten.",
    "Laufende Lieferungen, Auszahlungen und Rücknahmen gehen weiter. Bitte später erneut versuchen.",
  ),
  ExpectedPause: say("Der Markt ist nicht angehalten."),
  ExceedsRemaining: (a) => ({
    sentence: `Von diesem Angebot sind nur noch ${a.energy("remaining")} übrig; gewünscht waren ${a.energy("requested")}.`,
    advice: "Vielleicht hat inzwischen jemand gekauft. Bitte weniger wählen.",
  }),
  ExpiryInPast: (a) => ({
    sentence: `Das Angebot wäre schon um ${a.time("expiresAt")} zu Ende gewesen.`,
    advice: "Bitte ein späteres Ende wählen.",
  }),
  ListingExpired: (a) => ({
    sentence: `Dieses Angebot endete um ${a.time("expiresAt")}.`,
    advice: "Bitte ein anderes Angebot wählen.",
  }),
  ListingStale: say("Der Zähler des Verkäufers gehört inzwischen jemand anderem.", "Bitte ein anderes Angebot wählen."),
  ListingUnknown: say("Dieses Angebot gibt es nicht.", "Bitte die Seite neu laden und ein anderes wählen."),
  MeterBusy: (a) => ({
    sentence: `Einer der beiden Zähler ist noch mit Lieferung ${a.id("deliveryId")} beschäftigt.`,
    advice: "Ein Zähler bedient eine Lieferung nach der anderen. Bitte warten oder einen anderen Zähler wählen.",
  }),
  MeterInactive: (a) => ({
    sentence: `Zähler ${a.id("meterId")} darf zurzeit nicht handeln.`,
    advice: "Bitte beim Betreiber Ihrer Gemeinschaft nachfragen.",
  }),
  MeterOnlyBuys: (a) => ({
    sentence: `Zähler ${a.id("meterId")} misst Verbrauch oder das Netz: Dahinter ist nichts zu verkaufen.`,
    advice: "Bitte einen Zähler mit Anlage oder Batterie dahinter wählen.",
  }),
  NotYourMeter: (a) => ({
    sentence: `Dieses Konto darf nicht für Zähler ${a.id("meterId")} handeln.`,
    advice: "Bitte den Eigentümer des Zählers verbinden oder dieses Konto von ihm zum Handeln berechtigen lassen.",
  }),
  PriceAboveLimit: (a) => ({
    sentence: `Der Preis beträgt jetzt ${a.price("price")} und liegt über Ihrer Grenze von ${a.price("limit")}.`,
    advice: "Bitte die Grenze anheben oder auf einen niedrigeren Preis warten.",
  }),
  PriceOutOfRange: (a) => ({
    sentence: `${a.price("price")} liegt außerhalb des Erlaubten: ${a.price("lowest")} bis ${a.price("highest")}.`,
    advice: "Bitte zwischen dem bleiben, was der Versorger zahlt, und dem, was er verlangt.",
  }),
  SameMeter: say("Ein Zähler kann nicht bei sich selbst kaufen.", "Bitte einen anderen Zähler wählen."),
  SlotOutOfRange: (a) => ({
    sentence: `Zeitfenster ${a.id("slot")} gehört nicht zu dieser Lieferung (${a.id("first")} bis ${a.id("last")}).`,
    advice: "Bitte die Seite neu laden.",
  }),
  ZeroEnergy: say("Die Menge ist null.", "Bitte angeben, wie viel es sein soll."),
  SafeCastOverflowedUintDowncast: internal("Eine Zahl ist zu groß für den Vertrag."),
  ReentrancyGuardReentrantCall: internal("Der Vertrag wurde während seiner Arbeit noch einmal aufgerufen."),
  TimesOutOfRange: internal("Der Vertrag wurde mit Zeiten angelegt, die nicht zusammenpassen."),

  // CallAuction
  ClearingNotDue: (a) => ({
    sentence: `Der Preis für Zeitfenster ${a.id("slot")} kann von ${a.time("from")} bis ${a.time("until")} ermittelt werden.`,
    advice: "Ohne Preis erhalten alle ihr Geld zurück.",
  }),
  EnergyOutOfRange: (a) => ({
    sentence: `Ein Auftrag kann ${a.energy("least")} bis ${a.energy("most")} umfassen, nicht ${a.energy("energy")}.`,
    advice: "Mehr als das obere Ende schafft der Zähler in einem Zeitfenster nicht.",
  }),
  GateClosed: (a) => ({
    sentence: `Zeitfenster ${a.id("slot")} nahm bis ${a.time("closedAt")} Aufträge an.`,
    advice: "Bitte ein späteres wählen. Abgegebene Aufträge bleiben, bis sie abgerechnet sind.",
  }),
  NotFinalizable: (a) => ({
    sentence: `Für Verkäufer im Zeitfenster ${a.id("slot")} sind noch ${a.energy("openAsks")} abzurechnen.`,
    advice: `Bitte auf ihre Zähler warten, spätestens bis ${a.time("voidAfter")}.`,
  }),
  NotOpen: (a) => ({ sentence: `Zeitfenster ${a.id("slot")} hat keine Aufträge oder schon einen Preis.` }),
  NotYourOrder: say(
    "Dieser Auftrag steht mit dem Geld eines anderen Kontos.",
    "Bitte einen anderen Preis wählen oder das Konto verbinden, das ihn abgegeben hat.",
  ),
  OrderUnknown: say("Dieser Auftrag wurde zurückgezogen oder ist schon abgerechnet.", "Bitte die Seite neu laden."),
  TickFull: (a) => ({
    sentence: `Zu diesem Preis stehen Aufträge über ${a.energy("total")}; ${a.energy("added")} mehr sind zu viel.`,
    advice: "Bitte die nächste Preisstufe wählen.",
  }),
  TickOutOfRange: (a) => ({
    sentence: `Preisstufe ${a.id("tick")} liegt außerhalb der Stufen ${a.id("lowest")} bis ${a.id("highest")} dieses Zeitfensters.`,
    advice: "Die Preise haben sich vor dem ersten Auftrag geändert. Bitte die Grenze neu wählen.",
  }),
  SafeCastOverflowedIntDowncast: internal("Ein Betrag ist zu groß für den Vertrag."),
  SafeCastOverflowedIntToUint: internal("Das Geld des Zeitfensters geht nicht auf."),

  // Vault
  InsufficientBalance: (a) => ({
    sentence: `${a.moneyUp("requested")} sind nötig, aber nur ${a.moneyDown("available")} sind auf dem Handelskonto frei.`,
    advice: "Bitte zuerst einzahlen oder weniger wählen.",
  }),
  InvalidReceiver: say("An das Handelskonto selbst kann kein Geld gehen.", "Bitte eine andere Adresse angeben."),
  InsufficientPot: internal("Die Kasse des Marktes enthält nicht, was sie auszahlen müsste."),
  MarketNotAllowed: say(
    "Der Markt darf das Geld dieses Kontos noch nicht verwenden.",
    "Bitte auf der Seite „Konto“ erlauben.",
  ),
  ZeroAddress: say("Es fehlt eine Adresse.", "Bitte die Adresse angeben, an die das Geld gehen soll."),
  ZeroAmount: say("Der Betrag ist null.", "Bitte einen Betrag angeben."),
  SafeERC20FailedOperation: say(
    "Das Zahlungsmittel hat die Überweisung abgelehnt.",
    "Bitte prüfen, ob die Wallet den Betrag enthält und das Handelskonto ihn abrufen darf.",
  ),

  // Payment token
  ERC20InsufficientAllowance: (a) => ({
    sentence: `Das Handelskonto darf nur ${a.moneyDown("allowance")} abrufen; nötig sind ${a.moneyUp("needed")}.`,
    advice: "Bitte den Betrag zuerst freigeben.",
  }),
  ERC20InsufficientBalance: (a) => ({
    sentence: `In der Wallet sind ${a.moneyDown("balance")}; nötig sind ${a.moneyUp("needed")}.`,
    advice: "Bitte einen kleineren Betrag wählen.",
  }),
  ERC20InvalidApprover: say("Dieses Konto kann keine Zahlungen freigeben."),
  ERC20InvalidReceiver: say("An diese Adresse kann kein Geld gehen.", "Bitte die Adresse prüfen."),
  ERC20InvalidSender: say("Von dieser Adresse kann kein Geld kommen.", "Bitte das verbundene Konto prüfen."),
  ERC20InvalidSpender: say("Dieser Adresse kann nicht erlaubt werden, Geld auszugeben."),
  ERC2612ExpiredSignature: (a) => ({
    sentence: `Die Unterschrift galt bis ${a.time("deadline")}.`,
    advice: "Bitte erneut unterschreiben.",
  }),
  ERC2612InvalidSigner: say(
    "Die Unterschrift stammt von einem anderen Konto.",
    "Bitte prüfen, mit welchem Konto die Wallet unterschreibt.",
  ),
  InvalidAccountNonce: say("Die Unterschrift wurde schon verwendet.", "Bitte erneut unterschreiben."),
  FaucetLimit: (a) => ({
    sentence: `Auf einmal gibt es höchstens ${a.moneyDown("largest")}; gewünscht waren ${a.moneyUp("requested")}.`,
    advice: "Bitte weniger wählen.",
  }),
  ECDSAInvalidSignature: say("Die Unterschrift ist nicht lesbar.", "Bitte erneut unterschreiben."),
  ECDSAInvalidSignatureLength: say(
    "Die Unterschrift hat eine falsche Länge.",
    "Diese Wallet kann Einzahlungen nicht unterschreiben; bitte stattdessen freigeben.",
  ),
  ECDSAInvalidSignatureS: say("Die Unterschrift hat nicht die übliche Form.", "Bitte erneut unterschreiben."),
  InvalidShortString: internal("Der Name des Zahlungsmittels ist nicht lesbar."),
  StringTooLong: internal("Der Name des Zahlungsmittels ist zu lang."),

  // EnergyToken
  ERC1155InsufficientBalance: (a) => ({
    sentence: `Es sind Nachweise über ${a.energy("balance")} da; nötig sind ${a.energy("needed")}.`,
    advice: "Bitte weniger wählen.",
  }),
  ERC1155InvalidApprover: say("Dieses Konto kann keine Nachweise freigeben."),
  ERC1155InvalidArrayLength: internal("Die Listen der Nachweise und Mengen sind verschieden lang."),
  ERC1155InvalidOperator: say("Dieser Adresse kann nicht erlaubt werden, Nachweise zu bewegen."),
  ERC1155InvalidReceiver: say("An diese Adresse können keine Nachweise gehen.", "Bitte die Adresse prüfen."),
  ERC1155InvalidSender: say("Von dieser Adresse können keine Nachweise kommen.", "Bitte das verbundene Konto prüfen."),
  ERC1155MissingApprovalForAll: say(
    "Dieses Konto darf die Nachweise des Eigentümers nicht bewegen.",
    "Bitte den Eigentümer verbinden.",
  ),
  NothingHeld: say("Für dieses Konto liegen keine Nachweise bereit."),
  NothingToMint: (a) => ({
    sentence: `Zähler ${a.id("meterId")} hat im Zeitfenster ${a.id("slot")} keine unverkaufte Einspeisung mehr.`,
    advice: "Verbraucher und Netzanschluss erhalten keine Nachweise; für verkauften Strom gibt es sie schon.",
  }),

  // MeterRegistry
  BadAuthorization: (a) => ({
    sentence: `Der jetzige Schlüssel von Zähler ${a.id("meterId")} hat dem neuen nicht zugestimmt.`,
  }),
  BadPossession: say(
    "Das Gerät hat nicht bewiesen, dass es seinen Schlüssel besitzt.",
    "Bitte seinen Code erneut einlesen.",
  ),
  ClaimWindowClosed: (a) => ({
    sentence: `Zeitfenster ${a.id("slot")} liegt zu lange zurück, um noch abgerechnet zu werden.`,
  }),
  ERC5267ExtensionsNotSupported: internal("Die Kennung des Vertrags zum Unterschreiben ist nicht lesbar."),
  LengthMismatch: internal("Es gibt nicht gleich viele Ablesungen und Unterschriften."),
  MetersChanged: (a) => ({
    sentence: `Zeitfenster ${a.id("slot")} lässt sich nicht vergleichen: Seit seinem Beginn haben sich die Zähler geändert.`,
    advice: "Bitte ein Zeitfenster wählen, das später begann.",
  }),
  NoFeeder: say(
    "Am gemeinsamen Anschlusspunkt steht kein Zähler.",
    "Bitte zuerst einen der Art „Netzanschluss“ anmelden.",
  ),
  NotMarket: say("Das kann nur ein zugelassener Markt."),
  NotMeterOwner: (a) => ({
    sentence: `Zähler ${a.id("meterId")} gehört nicht zu diesem Konto.`,
    advice: "Bitte den Eigentümer verbinden.",
  }),
  NotPendingOwner: (a) => ({
    sentence: `Zähler ${a.id("meterId")} wurde diesem Konto nicht angeboten.`,
    advice: "Bitte den Eigentümer darum bitten.",
  }),
  PowerOutOfRange: (a) => ({
    sentence: `${a.id("maxPowerW")} W ist mehr, als ein Zähler in einem Zeitfenster zählen kann (${a.id("largest")} W).`,
    advice: "Bitte die größte Leistung angeben, die der Zähler messen kann.",
  }),
  RotationPending: (a) => ({
    sentence: `Zähler ${a.id("meterId")} wechselt schon seinen Schlüssel.`,
    advice: "Bitte warten, bis das fertig ist.",
  }),
  SignerAlreadyUsed: (a) => ({
    sentence: `Dieser Schlüssel gehört zu Zähler ${a.id("meterId")}.`,
    advice: "Ein Schlüssel dient für immer nur einem Zähler. Bitte einen neuen erzeugen.",
  }),
  SlotIncomplete: (a) => ({
    sentence: `Nur ${a.id("completeMeters")} von ${a.id("activeMeters")} Zählern haben das ganze Zeitfenster ${a.id("slot")} gemeldet.`,
    advice: "Bitte auf die übrigen warten oder ein anderes Zeitfenster wählen.",
  }),
  SlotTooFar: say("Dieses Zeitfenster liegt zu weit in der Zukunft.", "Bitte ein früheres wählen."),
  SlotNotInFuture: say("Die Änderung muss in einem künftigen Zeitfenster beginnen."),
  UnknownMeter: (a) => ({
    sentence: `Einen Zähler ${a.id("meterId")} gibt es nicht.`,
    advice: "Bitte die Seite neu laden.",
  }),
  UnsupportedSigner: say(
    "Diese Art von Schlüssel wird nicht unterstützt oder wurde für eine andere Gemeinschaft erzeugt.",
    "Bitte eine Adresse verwenden oder einen P-256-Schlüssel, der das Zählerverzeichnis dieser Gemeinschaft nennt.",
  ),
  ZeroResolution: say("Die Auflösung des Zählers ist null.", "Bitte seine kleinste Stufe angeben."),

  // Tariff
  FeeTooHigh: (a) => ({
    sentence: `Ein Netzentgelt von ${a.price("gridFee")} ist zu hoch: Es muss unter ${a.price("below")} bleiben.`,
  }),
  FeedInZero: say("Die Einspeisevergütung ist null."),
  PriceBeyondLastTick: (a) => ({
    sentence: `${a.price("price")} liegt über dem höchsten Preis von ${a.price("largest")}.`,
  }),
  PriceOffTick: (a) => ({
    sentence: `${a.price("price")} liegt zwischen zwei Stufen: Preise beginnen bei ${a.price("minPrice")} und steigen um je ${a.price("tickSize")}.`,
  }),
  TariffTooSoon: say("Neue Preise müssen früher angekündigt werden."),
  TickSizeZero: internal("Die Preisstufe ist null."),

  // Access
  AccessManagedInvalidAuthority: internal("Die Rechteverwaltung des Vertrags ist nicht gültig."),
  AccessManagedRequiredDelay: say("Für dieses Recht gilt eine Wartezeit.", "Bitte zuerst vormerken."),
  AccessManagedUnauthorized: say("Dieses Konto darf das nicht.", "Bitte das Konto des Betreibers verbinden."),
  AccessManagerAlreadyScheduled: say(
    "Diese Änderung ist schon vorgemerkt.",
    "Bitte ausführen oder zuerst zurücknehmen.",
  ),
  AccessManagerBadConfirmation: say("Die Rolle wurde von ihrem Inhaber nicht bestätigt."),
  AccessManagerInvalidInitialAdmin: internal("Die Verträge wurden ohne Verwalter angelegt."),
  AccessManagerLockedFunction: internal("Die Rolle dieser Funktion lässt sich nicht ändern."),
  AccessManagerLockedRole: internal("Diese Rolle lässt sich nicht ändern."),
  AccessManagerUnauthorizedConsume: internal("Eine vorgemerkte Änderung wurde vom falschen Vertrag verwendet."),
  AccessManagerExpired: say("Diese Änderung wurde nicht rechtzeitig ausgeführt.", "Bitte erneut vormerken."),
  AccessManagerNotReady: say("Die Wartezeit dieser Änderung ist noch nicht um.", "Bitte später erneut versuchen."),
  AccessManagerNotScheduled: say(
    "Diese Änderung ist nicht vorgemerkt oder schon ausgeführt.",
    "Bitte zuerst vormerken.",
  ),
  AccessManagerUnauthorizedAccount: say("Diesem Konto fehlt die Rolle dafür."),
  AccessManagerUnauthorizedCall: say("Dieses Konto darf das nicht.", "Bitte das Konto des Betreibers verbinden."),
  AccessManagerUnauthorizedCancel: say("Dieses Konto darf die Änderung nicht zurücknehmen."),
};
