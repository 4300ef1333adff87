import { Card, CardBody } from "@patternfly/react-core";
import { Link } from "react-router";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { imagePath } from "./reference";

/** The three numbers that say how urgent the image's vulnerabilities are; each leads to the vulnerabilities it counts. */
export function CveCounts({ image }: { image: ImageTagDetail }) {
  const { severities } = image;
  const all = severities && Object.values(severities).reduce((sum, count) => sum + count, 0);
  const counts = [
    {
      title: "Critical & High CVEs",
      count: severities && (severities.Critical ?? 0) + (severities.High ?? 0),
      filter: "severity=Critical&severity=High",
      note: all === null ? "" : `of ${all} known`,
    },
    {
      title: "Running CVEs",
      count: severities && image.validated_vulnerabilities,
      filter: "validated=yes",
      note: "validated: a sensor saw the package in use",
    },
    {
      title: "Applicable CVEs",
      count: severities && image.applicable_vulnerabilities,
      filter: "applicability=applicable",
      note: "the image's own code reaches them",
    },
  ];
  return (
    <Card isCompact component="section" aria-label="CVEs">
      <CardBody>
        <ul className="dl-counts">
          {counts.map(({ title, count, filter, note }) => (
            <li key={title}>
              <span className="dl-counts__number">
                {count ? (
                  <Link to={`${imagePath(image.id)}/vulnerabilities?${filter}`} aria-label={`${count} ${title}`}>
                    {count}
                  </Link>
                ) : (
                  (count ?? "–")
                )}
              </span>
              <span>
                <span className="dl-term">{title}</span>
                <span className="dl-subtle">{count === null ? "Not scanned" : note}</span>
              </span>
            </li>
          ))}
        </ul>
      </CardBody>
    </Card>
  );
}
