const SIZE = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const UNITS = ["B", "kB", "MB", "GB"];

/** A number of bytes as people read it: "2.05 kB". */
export function readableSize(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${SIZE.format(bytes / 1000 ** step)} ${UNITS[step]}`;
}
