import { energyDecimals, formatDecimal } from "@ioe/protocol";

/** What a figure means in this zone. */
export interface Units {
  /** 1_000 when an energy unit is 1 Wh, 1_000_000 when it is 1 mWh. */
  unitsPerKWh: bigint;
  /** Decimals of the payment token. */
  moneyDecimals: number;
  /** Sign or symbol written after an amount of money. */
  moneySign: string;
  locale?: string;
}

const NBSP = "\u00a0";
const MINUS = "\u2212";

type Exact = Intl.StringNumericLiteral;

/** All figures the dApp shows. Energy and money are bigint and never become a float: Intl rounds decimal text exactly. */
export interface Format {
  readonly units: Units;
  /** "0.1 kWh"; as many digits as needed, up to the energy unit. */
  energy(energy: bigint | number): string;
  /** "0.100 kWh": always the same number of digits, for columns. */
  energyFixed(energy: bigint | number): string;
  /** "+0.100 kWh" for what was given, "−0.100 kWh" for what was taken. */
  energySigned(energy: bigint | number): string;
  /** "10,000": how many. */
  readonly count: (count: number) => string;
  /** "4,820 W", from 10 kW on "12.4 kW". */
  power(watts: number): string;
  /** "0.02 $": two to four digits, rounded up: what is paid, set aside or needed. Whoever has as much has enough. */
  readonly moneyUp: (base: bigint) => string;
  /** The same rounded down, but never to "0" for more than that: what somebody has or gets. It is there to be spent. */
  readonly moneyDown: (base: bigint) => string;
  /** "1.234567 $": every digit it has, two at least: what a person has typed and is about to move. */
  moneyFull(base: bigint): string;
  /** "0.020000": six digits, or all the token has if fewer, without the currency: columns of it add up to the eye. */
  moneyFixed(base: bigint): string;
  /** "+0.02 $" for what came, "−0.02 $" for what went. */
  moneySigned(base: bigint): string;
  /** Every digit the token has, without a sign, with a point: for files. */
  moneyExact(base: bigint): string;
  /** The same three figures as a person would type them into a form, exactly. */
  typedMoney(base: bigint): string;
  typedEnergy(energy: bigint): string;
  typedPrice(basePerKWh: bigint): string;
  /** "18.40 ct/kWh" for currencies with a hundredth, "18.4 TOK/kWh" for other tokens. */
  price(basePerKWh: bigint): string;
  /** The number of `price` alone: "18.40". */
  priceNumber(basePerKWh: bigint): string;
  /** The unit of `price` alone: "ct/kWh". */
  readonly priceUnit: string;
  /** Decimals a person may type for a price in `priceUnit`. */
  readonly priceDecimals: number;
  /** "97 %", rounded down so that 100 % means all of it. */
  percent(part: bigint, whole: bigint): string;
  /** "45 s", "2 min 5 s", "1 h 4 min". */
  duration(seconds: number): string;
  /** "14:05". */
  time(timestamp: number): string;
  /** "14:05:09". */
  timeWithSeconds(timestamp: number): string;
  /** "22 Nov 2026, 14:05". */
  dateTime(timestamp: number): string;
  /** "Sunday, 22 November". */
  dayLong(timestamp: number): string;
  /** "22 Nov". */
  dayShort(timestamp: number): string;
  /** "November 2026". */
  month(timestamp: number): string;
  /** "22 Nov 2026" for a UTC day number (certificates count days in UTC). */
  utcDay(day: number): string;
  /** "0x12ab…89ef". */
  address(address: string): string;
}

/** Currencies whose price per kWh people read in hundredths. */
const HUNDREDTHS: Record<string, string> = { $: "ct", "€": "ct", "£": "p" };

export function createFormat(units: Units): Format {
  const locale = units.locale ?? "en-GB";
  const kWhDecimals = energyDecimals(units.unitsPerKWh);
  const number = (minimumFractionDigits: number, maximumFractionDigits: number) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits, maximumFractionDigits });
  const signed = (text: string) => text.replace("-", MINUS);

  const energyNumber = number(0, kWhDecimals);
  const energyFixedNumber = number(kWhDecimals, kWhDecimals);
  const whole = number(0, 0);
  const kilowatts = number(1, 1);
  const moneyShown = Math.min(4, units.moneyDecimals);
  const moneyNumber = number(Math.min(2, units.moneyDecimals), moneyShown);
  const moneyFullNumber = number(Math.min(2, units.moneyDecimals), units.moneyDecimals);
  const moneyDigits = Math.min(6, units.moneyDecimals);
  const moneyFixedNumber = number(moneyDigits, moneyDigits);
  const smallestShown = 10n ** BigInt(units.moneyDecimals - moneyShown);

  const subunit = units.moneyDecimals >= 2 ? HUNDREDTHS[units.moneySign] : undefined;
  const priceDecimals = subunit ? units.moneyDecimals - 2 : units.moneyDecimals;
  const priceUnit = `${subunit ?? units.moneySign}/kWh`;
  const priceText = subunit ? number(2, 2) : number(2, 4);

  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const clockSeconds = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const utcDay = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const dayLong = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
  const dayShort = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const month = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" });
  const date = (timestamp: number) => new Date(timestamp * 1000);

  const decimalMark =
    number(1, 1)
      .formatToParts(0)
      .find((part) => part.type === "decimal")?.value ?? ".";
  const typed = (value: bigint, decimals: number) => formatDecimal(value, decimals).replace(".", decimalMark);
  const kWh = (energy: bigint | number) => formatDecimal(BigInt(energy), kWhDecimals) as Exact;
  const priceNumber = (base: bigint) => signed(priceText.format(formatDecimal(base, priceDecimals) as Exact));

  const floor = (base: bigint) => {
    const rest = base % smallestShown;
    return base - rest - (rest < 0n ? smallestShown : 0n);
  };
  const money = (base: bigint, rounded: bigint) => {
    const isTiny = rounded === 0n && base !== 0n;
    const size = isTiny ? smallestShown : rounded < 0n ? -rounded : rounded;
    const digits = moneyNumber.format(formatDecimal(size, units.moneyDecimals) as Exact);
    const beyond = isTiny ? `${base < 0n ? ">" : "<"}${NBSP}` : "";
    return `${beyond}${base < 0n ? MINUS : ""}${digits}${NBSP}${units.moneySign}`;
  };
  const moneyUp = (base: bigint) => money(base, -floor(-base));
  const moneyDown = (base: bigint) => money(base, floor(base));

  return {
    units,
    energy: (energy) => signed(energyNumber.format(kWh(energy))) + `${NBSP}kWh`,
    energyFixed: (energy) => signed(energyFixedNumber.format(kWh(energy))) + `${NBSP}kWh`,
    energySigned: (energy) => `${energy > 0 ? "+" : ""}${signed(energyFixedNumber.format(kWh(energy)))}${NBSP}kWh`,
    count: (count) => whole.format(count),
    power: (w) =>
      signed(Math.abs(w) < 10_000 ? `${whole.format(w)}${NBSP}W` : `${kilowatts.format(w / 1000)}${NBSP}kW`),
    moneyUp,
    moneyDown,
    moneySigned: (base) => `${base > 0n ? "+" : ""}${moneyDown(base)}`,
    moneyFull: (base) =>
      `${signed(moneyFullNumber.format(formatDecimal(base, units.moneyDecimals) as Exact))}${NBSP}${units.moneySign}`,
    moneyFixed: (base) => signed(moneyFixedNumber.format(formatDecimal(base, units.moneyDecimals) as Exact)),
    moneyExact: (base) => formatDecimal(base, units.moneyDecimals),
    typedMoney: (base) => typed(base, units.moneyDecimals),
    typedEnergy: (energy) => typed(energy, kWhDecimals),
    typedPrice: (base) => typed(base, priceDecimals),
    price: (base) => `${priceNumber(base)}${NBSP}${priceUnit}`,
    priceNumber,
    priceUnit,
    priceDecimals,
    percent: (part, whole) => (whole === 0n ? "–" : `${(part * 100n) / whole}${NBSP}%`),
    duration(seconds) {
      const s = Math.max(0, Math.round(seconds));
      if (s < 60) return `${s}${NBSP}s`;
      if (s < 3600)
        return [`${Math.floor(s / 60)}${NBSP}min`, s % 60 ? `${s % 60}${NBSP}s` : ""].filter(Boolean).join(" ");
      const minutes = Math.round(s / 60);
      return [`${Math.floor(minutes / 60)}${NBSP}h`, minutes % 60 ? `${minutes % 60}${NBSP}min` : ""]
        .filter(Boolean)
        .join(" ");
    },
    time: (timestamp) => clock.format(date(timestamp)),
    timeWithSeconds: (timestamp) => clockSeconds.format(date(timestamp)),
    dateTime: (timestamp) => dateTime.format(date(timestamp)),
    dayLong: (timestamp) => dayLong.format(date(timestamp)),
    dayShort: (timestamp) => dayShort.format(date(timestamp)),
    month: (timestamp) => month.format(date(timestamp)),
    utcDay: (day) => utcDay.format(date(day * 86_400)),
    address: (address) => `${address.slice(0, 6)}…${address.slice(-4)}`,
  };
}
