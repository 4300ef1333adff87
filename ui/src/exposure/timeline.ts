import type { WindowRow } from "../api/generated/types.gen";
import { elapsed } from "../facts/moment";

/** What a risk was waiting for. */
export type Phase = "undetected" | "unnotified" | "unacknowledged" | "in hand";

export interface Segment {
  phase: Phase;
  seconds: number;
  /** How long it was and whether what it waited for came. */
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
      const words = at !== null && clipped === until ? ENDED[phase] : NOT_ENDED[phase];
      const seconds = (clipped.getTime() - from.getTime()) / 1000;
      segments.push({ phase, seconds, text: `${roughly(from, clipped)} ${words}` });
      from = clipped;
    }
  }
  return segments;
}

/** The time between two moments in its largest unit. */
function roughly(from: Date, to: Date): string {
  return elapsed(from, to)
    .split(" ", 2)
    .join(" ")
    .replace(/^under a$/, "< 1 s");
}

/** When a phase ended that nothing ended by itself: with the window; null where a later moment came all the same. */
function nextMoment(later: readonly [Phase, string | null][], end: Date, phase: Phase): Date | null {
  const isOver = phase !== "in hand" && later.some(([, at]) => at !== null && new Date(at) <= end);
  return isOver ? null : end;
}

const ENDED: Record<Phase, string> = {
  undetected: "to detect",
  unnotified: "to notify",
  unacknowledged: "to acknowledge",
  "in hand": "in hand",
};

const NOT_ENDED: Record<Phase, string> = {
  undetected: "undetected",
  unnotified: "not notified",
  unacknowledged: "not acknowledged",
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
