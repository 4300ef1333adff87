import type { WindowRow } from "../api/generated/types.gen";
import { elapsed } from "../facts/moment";

/** What a risk was waiting for. */
export type Phase = "undetected" | "unnotified" | "unacknowledged" | "in hand";

export interface Segment {
  phase: Phase;
  seconds: number;
  text: string;
}

type Moments = Pick<WindowRow, "opened_at" | "detected_at" | "notified_at" | "acknowledged_at" | "closed_at">;

/**
 * The phases of a window in order, each until the moment that ended it, the last until it closed or now. What never
 * came, or came after it had closed (an alert on its way, say), ends no phase.
 */
export function timelineOf(window: Moments, now: Date): Segment[] {
  const end = new Date(window.closed_at ?? now);
  const ends: [Phase, string | null][] = [
    ["undetected", window.detected_at],
    ["unnotified", window.notified_at],
    ["unacknowledged", window.acknowledged_at],
    ["in hand", null],
  ];
  const segments: Segment[] = [];
  let from = new Date(window.opened_at);
  for (const [index, [phase, at]] of ends.entries()) {
    const until = at === null ? nextMoment(ends.slice(index + 1), end, phase) : new Date(at);
    if (until === null) {
      continue;
    }
    const clipped = until < end ? until : end;
    if (clipped > from) {
      segments.push({ phase, seconds: (clipped.getTime() - from.getTime()) / 1000, text: elapsed(from, clipped) });
      from = clipped;
    }
  }
  return segments;
}

/** When a phase ended that nothing ended by itself: with the window; null where a later moment came all the same. */
function nextMoment(later: readonly [Phase, string | null][], end: Date, phase: Phase): Date | null {
  const isOver = phase !== "in hand" && later.some(([, at]) => at !== null && new Date(at) <= end);
  return isOver ? null : end;
}

export const PHASE_NAMES: Record<Phase, string> = {
  undetected: "to detect",
  unnotified: "until notified",
  unacknowledged: "until acknowledged",
  "in hand": "in hand",
};

/** How long a window has been open, or was. */
export function exposureOf(window: Moments, now: Date): string {
  return elapsed(new Date(window.opened_at), new Date(window.closed_at ?? now));
}

/** A length of time in seconds as people read it; a dash where there is none. */
export function lengthOf(seconds: number | null): string {
  return seconds === null ? "–" : elapsed(new Date(0), new Date(seconds * 1000));
}
