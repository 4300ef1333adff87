import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useMatches, useSearchParams } from "react-router";

/** Begins to ask for what a page shows, by the parameters of its address. */
export type AskAhead = (queryClient: QueryClient, parameters: URLSearchParams) => void;

/** Has the route's `handle` ask: the page itself only comes when the frame around it stands. */
export function useAskAhead(): void {
  const queryClient = useQueryClient();
  const [parameters] = useSearchParams();
  const matches = useMatches();
  useEffect(() => {
    for (const { handle } of matches) {
      (handle as AskAhead | undefined)?.(queryClient, parameters);
    }
  }, [queryClient, parameters, matches]);
}
