import type { QueryClient } from "@tanstack/react-query";
import {
  listManagedClustersQueryKey,
  listRegistrationTokensQueryKey,
} from "../api/generated/@tanstack/react-query.gen";

const OPERATIONS = new Set([
  ...listManagedClustersQueryKey().map(({ _id }) => _id),
  ...listRegistrationTokensQueryKey().map(({ _id }) => _id),
  "getManagedCluster",
  "listClusters",
]);

/** What the reader did makes all answers about clusters and their tokens old. */
export function invalidateClusters(queryClient: QueryClient): Promise<void> {
  return queryClient.invalidateQueries({
    predicate: ({ queryKey: [head] }) => OPERATIONS.has((head as { _id?: string })?._id ?? ""),
  });
}
