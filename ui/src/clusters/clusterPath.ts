export const CLUSTERS_PATH = "/runtime/clusters";
export const TOKENS_PATH = "/runtime/clusters/tokens";
export const INSTALL_PATH = "/runtime/clusters/install";

/** The page of a cluster. */
export function clusterPath(id: string): string {
  return `${CLUSTERS_PATH}/${id}`;
}

/** The wizard, filled in for a cluster that is there. */
export function reinstallPath(name: string): string {
  return `${INSTALL_PATH}?${new URLSearchParams({ cluster: name })}`;
}
