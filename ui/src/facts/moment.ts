const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** Date and time in the reader's language and time zone. */
export function absolute(moment: Date): string {
  return ABSOLUTE.format(moment);
}

/** How long ago, in the largest unit that fits. */
export function relative(moment: Date, now: Date): string {
  const milliseconds = moment.getTime() - now.getTime();
  const [unit, length] = UNITS.find(([, size]) => Math.abs(milliseconds) >= size) ?? (["second", 1_000] as const);
  return RELATIVE.format(Math.trunc(milliseconds / length), unit);
}

/** The time between two moments in its two largest units, as in "19 d 17 h". */
export function elapsed(from: Date, to: Date): string {
  let rest = Math.abs(to.getTime() - from.getTime());
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 && parts.length < 2) {
      parts.push(`${count} ${unit === "minute" ? "min" : unit.charAt(0)}`);
    }
  }
  return parts.join(" ") || "under a second";
}
