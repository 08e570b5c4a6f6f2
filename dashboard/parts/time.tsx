const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const NUMBER = new Intl.NumberFormat();
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** A moment in Unix seconds, in the zone and language of the reader: how long ago, and when exactly. */
export function Time({ at, isExact = false }: { at: number; isExact?: boolean }) {
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return <span>at {at}</span>;
  return (
    <time dateTime={date.toISOString()} title={FULL.format(date)}>
      {isExact ? DATE_TIME.format(date) : ago(at)}
    </time>
  );
}

/** The day of a moment in Unix seconds, where no more than that is known. */
export function Day({ at }: { at: number }) {
  const date = new Date(at * 1000);
  return <time dateTime={date.toISOString().slice(0, 10)}>{DAY.format(date)}</time>;
}

/** How long ago, or in how long, a moment in Unix seconds is. */
export function ago(at: number, now = Date.now() / 1000): string {
  const seconds = at - now;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return unit === undefined ? RELATIVE.format(0, "second") : RELATIVE.format(Math.round(seconds / unit[1]), unit[0]);
}

/** A number as the reader writes it. */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** A large number, shortened. */
export function short(value: number): string {
  return COMPACT.format(value);
}

/** Bytes in words. */
export function bytes(value: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: units[step] as string,
    // The short form of this one has no plural.
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: 1,
  }).format(value / 1000 ** step);
}

/** A duration in seconds, in short words. */
export function duration(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size) ?? ["second", 1];
  return new Intl.NumberFormat(undefined, { style: "unit", unit: unit[0], unitDisplay: "short" }).format(
    Math.floor(seconds / unit[1]),
  );
}
