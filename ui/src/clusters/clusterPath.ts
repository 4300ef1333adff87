/** The page of a cluster. */
export function clusterPath(id: string): string {
  return `/runtime/clusters/${id}`;
}
