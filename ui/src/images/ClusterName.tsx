import { Link } from "react-router";
import { clusterPath } from "../clusters/clusterPath";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { useMay } from "../session/session";

interface ClusterNameProps {
  place: { cluster: string; cluster_id: string; demonstration: boolean };
}

/** The cluster something is on, with a link for those who may look at clusters. */
export function ClusterName({ place }: ClusterNameProps) {
  const mayLookAtClusters = useMay("admin");
  return (
    <>
      {mayLookAtClusters ? <Link to={clusterPath(place.cluster_id)}>{place.cluster}</Link> : place.cluster}{" "}
      <DemonstrationLabel isShown={place.demonstration} />
    </>
  );
}
