import { useCallback, useMemo } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { parseWindowQuery, type WindowQuery, windowPath } from "./windowQuery";

export type ChangeQuery = (update: (now: WindowQuery) => WindowQuery) => void;

export interface Place {
  query: WindowQuery;
  /** The window that is open beside the list. */
  openId: number | null;
  /** Goes to the address of what becomes of the query that is chosen now. */
  change: ChangeQuery;
  open: (id: number | null) => void;
}

/** What the page's address says, and how to change it. */
export function useWindowQuery(): Place {
  const [parameters] = useSearchParams();
  const { windowId } = useParams();
  const navigate = useNavigate();
  const query = useMemo(() => parseWindowQuery(parameters), [parameters]);
  const openId = Number(windowId) || null;
  const change = useCallback<ChangeQuery>(
    (update) => {
      // The window's address is ahead of what is rendered: two changes in quick succession would undo each other.
      const now = parseWindowQuery(new URLSearchParams(window.location.search));
      void navigate(windowPath(openId, update(now)), { replace: true });
    },
    [navigate, openId],
  );
  const open = useCallback<Place["open"]>(
    (id) => void navigate(windowPath(id, parseWindowQuery(new URLSearchParams(window.location.search)))),
    [navigate],
  );
  return { query, openId, change, open };
}
