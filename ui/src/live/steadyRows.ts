import { useState } from "react";

/** Rows in the order the reader has seen them, with their newest values, and what a new order would change. */
export interface SteadyRows<Row> {
  rows: readonly { key: string; row: Row; isGone: boolean }[];
  /** Rows that are new to the part of the list that is open. */
  added: number;
  /** Rows that are no longer in it. */
  gone: number;
  /** Rows that stay have changed places. */
  hasMoved: boolean;
}

interface Seen<Row> {
  of: string;
  pages: number;
  rows: ReadonlyMap<string, Row>;
}

/** Fresh rows held against those a reader has seen. */
export function holdSteady<Row>(seen: ReadonlyMap<string, Row>, fresh: ReadonlyMap<string, Row>): SteadyRows<Row> {
  const rows = [...seen].map(([key, row]) => ({ key, row: fresh.get(key) ?? row, isGone: !fresh.has(key) }));
  const staying = rows.filter(({ isGone }) => !isGone).map(({ key }) => key);
  const now = [...fresh.keys()].filter((key) => seen.has(key));
  return {
    rows,
    added: fresh.size - now.length,
    gone: rows.length - staying.length,
    hasMoved: staying.some((key, place) => key !== now[place]),
  };
}

/**
 * Keeps a list that changes by itself from moving under its reader: values change in place, while rows keep theirs
 * until the reader asks for the new order. `of` says which list it is, and `pages` how much of it is open.
 */
export function useSteadyRows<Row>(
  pages: readonly (readonly Row[])[] | undefined,
  keyOf: (row: Row) => string,
  of: string,
): (SteadyRows<Row> & { update: () => void }) | undefined {
  const [seen, setSeen] = useState<Seen<Row> | null>(null);
  if (pages === undefined) {
    return undefined;
  }
  const fresh = new Map(pages.flat().map((row) => [keyOf(row), row]));
  const update = () => setSeen({ of, pages: pages.length, rows: fresh });
  let current = seen;
  if (seen === null || seen.of !== of || seen.rows.size === 0) {
    current = { of, pages: pages.length, rows: fresh };
  } else if (pages.length > seen.pages) {
    const more = pages.slice(seen.pages).flat();
    const rows = new Map([...seen.rows, ...more.map((row): [string, Row] => [keyOf(row), row])]);
    current = { of, pages: pages.length, rows };
  }
  const isNew = current !== seen && (seen === null || seen.of !== of || fresh.size > 0);
  if (isNew) {
    setSeen(current);
  }
  return { ...holdSteady(current?.rows ?? fresh, fresh), update };
}
