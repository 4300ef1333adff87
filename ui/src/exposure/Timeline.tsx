import type { WindowRow } from "../api/generated/types.gen";
import { exposureOf, timelineOf } from "./timeline";

/** How long a window was or has been open, with what it was waiting for as a bar and in words. */
export function Timeline({ window }: { window: WindowRow }) {
  const now = new Date();
  const segments = timelineOf(window, now);
  const words = segments.map(({ text }) => text);
  return (
    <div className="dl-timeline" title={words.join(", ")}>
      <strong>
        {exposureOf(window, now)}
        {window.closed_at === null && " so far"}
      </strong>
      <span className="dl-timeline__bar" aria-hidden>
        {segments.map(({ phase, seconds }) => (
          <span key={phase} data-phase={phase} style={{ flexGrow: Math.max(seconds, 1) }} />
        ))}
      </span>
      <span className="dl-subtle">{words.join(", ") || "over when it was found"}</span>
    </div>
  );
}
