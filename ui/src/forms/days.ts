const DAY_MILLISECONDS = 86_400_000;
const LONGEST_DAYS = 365;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A day as date fields write it, in the reader's time zone. */
export function inDays(now: Date, days: number): string {
  const moment = new Date(now.getTime() + days * DAY_MILLISECONDS);
  const parts = [moment.getMonth() + 1, moment.getDate()].map((part) => String(part).padStart(2, "0"));
  return `${moment.getFullYear()}-${parts.join("-")}`;
}

/** The last moment of a day in the reader's time zone; an invalid one for what is no day. */
export function endOfDay(day: string): Date {
  return new Date(DAY.test(day) ? `${day}T23:59:59` : Number.NaN);
}

/** Whether something may last until this day: the service takes a year at most. */
export function isWithinReach(day: string, now: Date): boolean {
  const length = endOfDay(day).getTime() - now.getTime();
  return length > 0 && length <= LONGEST_DAYS * DAY_MILLISECONDS;
}
