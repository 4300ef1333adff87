import { useState } from "react";

/** The columns of a table that a reader has hidden, remembered by the browser, and how to hide and show them. */
export function useHiddenColumns(table: string): [ReadonlySet<string>, (title: string) => void] {
  const place = `deadlight.hidden-columns.${table}`;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(() => read(place));
  const toggle = (title: string) => {
    const next = new Set(hidden);
    if (!next.delete(title)) {
      next.add(title);
    }
    localStorage.setItem(place, JSON.stringify([...next]));
    setHidden(next);
  };
  return [hidden, toggle];
}

function read(place: string): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.map(String) : []);
  } catch {
    return new Set();
  }
}
