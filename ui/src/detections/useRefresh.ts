import { useQueryClient } from "@tanstack/react-query";
import { SHOWING_DETECTIONS } from "./detections";

/** Asks again for everything that shows detections. */
export function useRefresh(): () => Promise<void> {
  const queryClient = useQueryClient();
  return () =>
    queryClient.invalidateQueries({
      predicate: ({ queryKey }) => SHOWING_DETECTIONS.has((queryKey[0] as { _id?: string })._id ?? ""),
    });
}
