import { useCallback, useMemo } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { type DetectionQuery, detectionPath, parseDetectionQuery } from "./detectionQuery";

export type ChangeQuery = (update: (now: DetectionQuery) => DetectionQuery) => void;

export interface Place {
  query: DetectionQuery;
  /** The detection that is open beside the list. */
  openId: number | null;
  /** Goes to the address of what becomes of the query that is chosen now. */
  change: ChangeQuery;
  open: (id: number | null) => void;
}

/** What the page's address says, and how to change it. */
export function useDetectionQuery(): Place {
  const [parameters] = useSearchParams();
  const { detectionId } = useParams();
  const navigate = useNavigate();
  const query = useMemo(() => parseDetectionQuery(parameters), [parameters]);
  const openId = Number(detectionId) || null;
  const change = useCallback<ChangeQuery>(
    (update) => {
      // The window's address is ahead of what is rendered: two changes in quick succession would undo each other.
      const now = parseDetectionQuery(new URLSearchParams(window.location.search));
      void navigate(detectionPath(openId, update(now)), { replace: true });
    },
    [navigate, openId],
  );
  const open = useCallback<Place["open"]>(
    (id) => void navigate(detectionPath(id, parseDetectionQuery(new URLSearchParams(window.location.search)))),
    [navigate],
  );
  return { query, openId, change, open };
}
