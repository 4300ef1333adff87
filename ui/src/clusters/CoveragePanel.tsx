import { Card, CardBody, CardHeader, CardTitle, Progress } from "@patternfly/react-core";
import { Link } from "react-router";
import type { ClustersOverview, ScannerCoverage } from "../api/generated/types.gen";
import { Said } from "../facts/Said";
import { sentence } from "../facts/sentence";
import { CLUSTERS_PATH } from "./clusterPath";

/** On how many clusters each scanner is switched on. */
export function CoveragePanel({ overview }: { overview: ClustersOverview }) {
  return (
    <Card isCompact component="section" aria-labelledby="coverage-title">
      <CardHeader>
        <CardTitle component="h2" id="coverage-title">
          Clusters Configuration Security Coverage
        </CardTitle>
      </CardHeader>
      <CardBody>
        <ul className="dl-coverage">
          {overview.coverage.map((scanner) => (
            <li key={scanner.scanner}>
              <Coverage scanner={scanner} clusters={overview.clusters} />
            </li>
          ))}
        </ul>
      </CardBody>
    </Card>
  );
}

function Coverage({ scanner, clusters }: { scanner: ScannerCoverage; clusters: number }) {
  const missing = clusters - scanner.clusters;
  const lacks = missing > 0 && scanner.is_core;
  return (
    <>
      <Progress
        id={`coverage-${scanner.scanner}`}
        title={scanner.label}
        size="sm"
        measureLocation="top"
        value={clusters ? (100 * scanner.clusters) / clusters : 0}
        label={`${scanner.clusters} of ${clusters}`}
        valueText={`${scanner.clusters} of ${clusters} clusters`}
        {...(lacks ? { variant: "warning" as const } : {})}
      />
      {lacks && (
        <div className="dl-subtle">
          Figures are incomplete:{" "}
          <Link to={`${CLUSTERS_PATH}?without=${scanner.scanner}`}>
            {missing} {missing === 1 ? "cluster lacks" : "clusters lack"} it
          </Link>
        </div>
      )}
      {scanner.lacking && (
        <div className="dl-subtle">
          Not done now: <Said text={sentence(scanner.lacking)} />
        </div>
      )}
    </>
  );
}
