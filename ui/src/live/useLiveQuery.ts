import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { formatLiveQuery, type LiveQuery, parseLiveQuery } from "./liveQuery";

/** Goes to the address of what becomes of the filters that are chosen now. */
export type ChangeQuery = (update: (now: LiveQuery) => LiveQuery) => void;

/** The filters of the address, and how to change them; `orders` are those the list has. */
export function useLiveQuery(orders: readonly string[]): [LiveQuery, ChangeQuery] {
  const [parameters, setParameters] = useSearchParams();
  const query = useMemo(() => parseLiveQuery(parameters, orders), [parameters, orders]);
  const change = useCallback<ChangeQuery>(
    (update) => {
      // The window's address is ahead of what is rendered, which React may still be working on: two changes in quick
      // succession would otherwise undo each other.
      const now = parseLiveQuery(new URLSearchParams(window.location.search), orders);
      setParameters(formatLiveQuery(update(now)), { replace: true });
    },
    [setParameters, orders],
  );
  return [query, change];
}
