/** A part of a longer list, with where it lies in it. */
export interface PageOf<Row> {
  rows: readonly Row[];
  /** From 1; smaller than asked for when the list has become shorter. */
  page: number;
}

/** One page of a list; there is always a first one. */
export function pageOf<Row>(rows: readonly Row[], page: number, perPage: number): PageOf<Row> {
  const last = Math.max(1, Math.ceil(rows.length / perPage));
  const actual = Math.min(Math.max(1, page), last);
  return { rows: rows.slice((actual - 1) * perPage, actual * perPage), page: actual };
}

/** The rows whose text contains every word of a search, whatever the case. */
export function matching<Row>(rows: readonly Row[], search: string, textOf: (row: Row) => string): readonly Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return rows;
  }
  return rows.filter((row) => {
    const text = textOf(row).toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
