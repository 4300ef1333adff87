import type { DetectedProcessOut } from "../api/generated/types.gen";
import { visible } from "../facts/visible";
import { commandOf } from "./command";

/** How a process came to be: who started whom, the first above, and the process itself at the end. */
export function ProcessTree({
  process,
  ancestors,
}: {
  process: DetectedProcessOut;
  ancestors: readonly DetectedProcessOut[];
}) {
  const line = [...ancestors].reverse();
  return (
    <ol className="dl-process-tree" aria-label="Who started whom">
      {[...line, process].map((item, depth) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a process is told by its place
        <li key={depth} style={{ marginInlineStart: `${depth * 1.25}rem` }}>
          <code className="dl-break">{commandOf(item)}</code>
          <div className="dl-subtle dl-break">
            {visible(item.path) || "program not known"} · pid {item.pid}
            {item.user !== null && ` · user ${item.user}`}
            {depth === line.length && " · this one"}
          </div>
        </li>
      ))}
    </ol>
  );
}
