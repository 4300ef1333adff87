import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { formatImageQuery, type ImageQuery, parseImageQuery } from "./imageQuery";

/** The filters of the address, and how to go to the address of others. */
export function useImageQuery(): [ImageQuery, (query: ImageQuery) => void] {
  const [parameters, setParameters] = useSearchParams();
  const query = useMemo(() => parseImageQuery(parameters), [parameters]);
  const change = useCallback(
    (next: ImageQuery) => setParameters(formatImageQuery(next), { replace: true }),
    [setParameters],
  );
  return [query, change];
}
