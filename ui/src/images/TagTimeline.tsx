import type { ReactNode } from "react";
import { Moment } from "../facts/Moment";
import { elapsed } from "../facts/moment";
import { type Evidence, sideOfDeployment } from "./verdict";

/** When the image was deployed, when its tag got another one, and how far apart that is. */
export function TagTimeline({ evidence }: { evidence: Evidence }) {
  const { deployedAt, tagUpdatedAt: updatedAt, pushedBy } = evidence;
  const points = [
    <Point key="deployment" name="Deployment Time" at={deployedAt} note="the first of its containers started" />,
    <Point
      key="update"
      name="Tag Update Time"
      at={updatedAt}
      note={
        updatedAt === evidence.pushedAt
          ? `the push, as the registry says${pushedBy && `: by ${pushedBy}`}`
          : "the registry was first seen to have another digest; the push came before that"
      }
    />,
  ];
  const isOrdered = !deployedAt || !updatedAt || new Date(deployedAt) <= new Date(updatedAt);
  return (
    <figure className="dl-timeline" aria-label="Tag update timeline">
      <ol>{isOrdered ? points : points.reverse()}</ol>
      {deployedAt && updatedAt && (
        <figcaption>
          <span className="dl-term">Elapsed difference</span>{" "}
          {sideOfDeployment(deployedAt, updatedAt, elapsed(new Date(deployedAt), new Date(updatedAt)))}
        </figcaption>
      )}
    </figure>
  );
}

function Point({ name, at, note }: { name: string; at: string; note: ReactNode }) {
  return (
    <li>
      <div className="dl-term">{name}</div>
      <div>{at ? <Moment at={at} /> : "Not known"}</div>
      {at && <div className="dl-subtle">{note}</div>}
    </li>
  );
}
