import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { formatImageQuery, type ImageQuery, parseImageQuery } from "./imageQuery";

/** Goes to the address of what becomes of the filters that are chosen now. */
export type ChangeQuery = (update: (now: ImageQuery) => ImageQuery) => void;

/** The filters of the address, and how to change them. */
export function useImageQuery(): [ImageQuery, ChangeQuery] {
  const [parameters, setParameters] = useSearchParams();
  const query = useMemo(() => parseImageQuery(parameters), [parameters]);
  const change = useCallback<ChangeQuery>(
    (update) => {
      // The window's address is ahead of what is rendered, which React may still be working on: two changes in quick
      // succession would otherwise undo each other.
      const now = parseImageQuery(new URLSearchParams(window.location.search));
      setParameters(formatImageQuery(update(now)), { replace: true });
    },
    [setParameters],
  );
  return [query, change];
}
