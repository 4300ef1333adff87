import type { NodeState } from "./health";

/** A part of a ring, in parts of its whole length. */
export interface Arc {
  state: NodeState;
  count: number;
  start: number;
  length: number;
}

/** The ring's parts, one after the other. */
export function arcsOf(counts: readonly { state: NodeState; count: number }[]): Arc[] {
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  let start = 0;
  return counts.map(({ state, count }) => {
    const arc = { state, count, start, length: count / total };
    start += arc.length;
    return arc;
  });
}
