import {
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  Grid,
  GridItem,
  type LabelProps,
  PageSection,
  Skeleton,
} from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { getFunnelOptions } from "../api/generated/@tanstack/react-query.gen";
import type { FunnelOut, InstallationStatus, ScanStatus } from "../api/generated/types.gen";
import { PageHead } from "../shell/PageHead";
import { ConnectCluster } from "../states/ConnectCluster";
import { Failure } from "../states/Failure";
import { Notice } from "../states/Notice";
import { FunnelTable } from "./FunnelTable";
import { incompleteBy, shownStages } from "./funnel";
import { StatusCard } from "./StatusCard";

/** Apart from the rest, because the drawing library is as large as everything else together. */
const FunnelChart = lazy(async () => ({ default: (await import("./FunnelChart")).FunnelChart }));

const SCAN_LOOKS: Record<ScanStatus, LabelProps["status"]> = {
  not_scanned: "danger",
  partial: "warning",
  scanned: "success",
};

const INSTALLATION_LOOKS: Record<InstallationStatus, LabelProps["status"]> = {
  no_runtime_installed: "danger",
  controller_only: "warning",
  full: "success",
};

/** Runtime > Dashboard. */
export function DashboardPage() {
  const { data: funnel, error, refetch } = useQuery(getFunnelOptions());
  return (
    <>
      <PageHead
        title="Dashboard"
        description="Which vulnerabilities of running images to fix first: start at the bottom of the funnel."
      />
      <PageSection isFilled aria-label="Figures">
        {error && !funnel ? (
          <Failure subject="the dashboard" error={error} retry={() => void refetch()} />
        ) : (
          <Grid hasGutter>{funnel ? <Figures funnel={funnel} /> : <GreyFigures />}</Grid>
        )}
      </PageSection>
    </>
  );
}

function Figures({ funnel }: { funnel: FunnelOut }) {
  const stages = useMemo(() => shownStages(funnel), [funnel]);
  const reasons = incompleteBy(funnel);
  return (
    <>
      <GridItem md={6}>
        <StatusCard
          title="Scan Status"
          value={funnel.scan_status}
          status={SCAN_LOOKS[funnel.scan_status]}
          advice={funnel.scan_advice}
        >
          {funnel.scanned_images} of {funnel.running_images} running images scanned
        </StatusCard>
      </GridItem>
      <GridItem md={6}>
        <StatusCard
          title="Installation Status"
          value={funnel.installation_status}
          status={INSTALLATION_LOOKS[funnel.installation_status]}
          advice={funnel.installation_advice}
        >
          {INSTALLATIONS[funnel.installation_status]}
        </StatusCard>
      </GridItem>
      <GridItem>
        <Card component="section" aria-labelledby="funnel-title">
          <CardHeader>
            <CardTitle component="h2" id="funnel-title">
              Vulnerability prioritisation
            </CardTitle>
          </CardHeader>
          <CardBody>
            {funnel.installation_status === "no_runtime_installed" ? (
              <ConnectCluster />
            ) : (
              <>
                {reasons.length > 0 && (
                  <Notice
                    variant="warning"
                    isPlain
                    title={`These figures are incomplete: see ${reasons.join(" and ")} above.`}
                  />
                )}
                <div className="dl-funnel">
                  <Suspense fallback={<div className="dl-funnel__chart" />}>
                    <FunnelChart stages={stages} />
                  </Suspense>
                  <FunnelTable stages={stages} />
                </div>
              </>
            )}
          </CardBody>
        </Card>
      </GridItem>
    </>
  );
}

const INSTALLATIONS: Record<InstallationStatus, string> = {
  no_runtime_installed: "Neither a controller nor a sensor has been in contact",
  controller_only: "Controllers, and no sensors",
  full: "Controllers, and sensors on at least one cluster",
};

function GreyFigures() {
  return (
    <>
      <GridItem md={6}>
        <Skeleton height="8rem" screenreaderText="Loading the figures" />
      </GridItem>
      <GridItem md={6}>
        <Skeleton height="8rem" />
      </GridItem>
      <GridItem>
        <Skeleton height="28rem" />
      </GridItem>
    </>
  );
}
