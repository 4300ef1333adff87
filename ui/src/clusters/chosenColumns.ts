import { useState } from "react";
import { type ClusterColumn, COLUMNS } from "./clusterColumns";

const KEY = "deadlight.clusters.columns";
const [NAME, ...OTHERS] = COLUMNS as readonly [ClusterColumn, ...ClusterColumn[]];

/** Titles of the columns that can be shown or hidden. */
export const CHOICES: readonly string[] = OTHERS.map(({ title }) => title);

function remembered(): readonly string[] {
  const usual = OTHERS.filter(({ isUsual }) => isUsual).map(({ title }) => title);
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return Array.isArray(kept) ? CHOICES.filter((title) => kept.includes(title)) : usual;
  } catch {
    return usual;
  }
}

/** The columns the reader has chosen in this browser, and how to choose others. */
export function useChosenColumns(): [readonly ClusterColumn[], readonly string[], (title: string) => void] {
  const [titles, setTitles] = useState(remembered);
  const toggle = (title: string) => {
    const next = CHOICES.filter((each) => titles.includes(each) !== (each === title));
    localStorage.setItem(KEY, JSON.stringify(next));
    setTitles(next);
  };
  return [[NAME, ...OTHERS.filter(({ title }) => titles.includes(title))], titles, toggle];
}
