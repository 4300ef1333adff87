import { arcsOf } from "./donut";
import { countStates, type NodeState, nodeLook } from "./health";

const RADIUS = 40;
const CIRCUMFERENCE = 2 * Math.PI * RADIUS;

/** How many nodes are in which state: a ring, and the same in words. */
export function NodesDonut({ states }: { states: readonly NodeState[] }) {
  const counts = countStates(states);
  return (
    <div className="dl-donut">
      <svg viewBox="0 0 100 100" className="dl-donut__ring" aria-hidden>
        <circle cx="50" cy="50" r={RADIUS} className="dl-donut__track" />
        {arcsOf(counts).map(({ state, start, length }) => (
          <circle
            key={state}
            cx="50"
            cy="50"
            r={RADIUS}
            className={`dl-donut__arc dl-state-${state}`}
            strokeDasharray={`${length * CIRCUMFERENCE} ${CIRCUMFERENCE}`}
            strokeDashoffset={-start * CIRCUMFERENCE}
          />
        ))}
        <text x="50" y="48" className="dl-donut__total">
          {states.length}
        </text>
        <text x="50" y="62" className="dl-donut__unit">
          {states.length === 1 ? "node" : "nodes"}
        </text>
      </svg>
      <ul aria-label="Nodes by status">
        {counts.map(({ state, count }) => (
          <li key={state}>
            <span className={`dl-donut__key dl-state-${state}`} aria-hidden /> <span className="dl-count">{count}</span>{" "}
            {nodeLook(state).name}
          </li>
        ))}
        {counts.length === 0 && <li className="dl-subtle">No nodes are known yet</li>}
      </ul>
    </div>
  );
}
