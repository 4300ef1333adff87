import { Grid, GridItem, PageSection, Skeleton } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { getLiveProcessOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ProcessDetail } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { RiskLabels } from "../facts/RiskLabels";
import { visible } from "../facts/visible";
import { type DetailTab, DetailTabs } from "../shell/DetailTabs";
import { PageHead } from "../shell/PageHead";
import { PageFailure } from "../states/PageFailure";
import { AccessedFilesTab } from "./AccessedFilesTab";
import { ProcessCards } from "./ProcessCards";
import { ProcessVulnerabilitiesTab } from "./ProcessVulnerabilitiesTab";
import { ProcessWorkloadsTab } from "./ProcessWorkloadsTab";
import { processPath } from "./processList";

const ABOVE = { title: "Processes", path: "/runtime/live/processes" };

/** Everything about a program with its arguments in an image: where it runs, what is wrong with it, what it touched. */
export function ProcessPage() {
  const { imageTagId, programId } = useParams();
  const path = { image_tag_id: Number(imageTagId), program_id: programId ?? "" };
  const { data, error, refetch } = useQuery(getLiveProcessOptions({ path }));
  if (error && !data) {
    return <PageFailure subject="this process" error={error} retry={() => void refetch()} list={ABOVE} />;
  }
  return data ? <Loaded process={data} /> : <Loading />;
}

function Loaded({ process }: { process: ProcessDetail }) {
  return (
    <>
      <PageHead
        title={visible(process.name)}
        above={[ABOVE]}
        labels={
          <>
            {process.risks.length > 0 && <RiskLabels risks={process.risks} />}
            <DemonstrationLabel isShown={process.demonstration} />
          </>
        }
        description={
          <code className="dl-break">{visible([process.path, process.arguments].filter(Boolean).join(" "))}</code>
        }
      />
      <PageSection>
        <ProcessCards process={process} />
      </PageSection>
      <PageSection isFilled>
        <DetailTabs label="More about the process" page={processPath(process)} tabs={processTabs(process)} />
      </PageSection>
    </>
  );
}

function processTabs(process: ProcessDetail): readonly DetailTab[] {
  return [
    { key: "vulnerabilities", title: "Vulnerabilities", content: <ProcessVulnerabilitiesTab process={process} /> },
    { key: "files", title: "Accessed files", content: <AccessedFilesTab process={process} /> },
    { key: "workloads", title: "Workloads", content: <ProcessWorkloadsTab process={process} /> },
  ];
}

function Loading() {
  return (
    <>
      <PageHead title="Process" above={[ABOVE]} description={<Skeleton width="30%" screenreaderText="Loading" />} />
      <PageSection isFilled>
        <Grid hasGutter>
          {["process", "workload", "image"].map((card) => (
            <GridItem key={card} lg={4}>
              <Skeleton height="18rem" />
            </GridItem>
          ))}
        </Grid>
      </PageSection>
    </>
  );
}
