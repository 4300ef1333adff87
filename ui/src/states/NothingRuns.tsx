import { NothingYet } from "./NothingYet";

/** Clusters are connected and run nothing. */
export function NothingRuns() {
  return (
    <NothingYet title="Nothing runs">
      Clusters are connected, but no container of theirs runs now. Choose a longer period to see what ran before.
    </NothingYet>
  );
}
