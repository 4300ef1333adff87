import { Grid, GridItem, PageSection, Skeleton, Tab, Tabs, TabTitleText } from "@patternfly/react-core";
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useNavigate, useParams } from "react-router";
import { getImageTagOptions, listImageTagWorkloadsOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail, WorkloadRow } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Digest } from "../facts/Digest";
import { Moment } from "../facts/Moment";
import { RiskLabels } from "../facts/RiskLabels";
import { PageHead } from "../shell/PageHead";
import { PageFailure } from "../states/PageFailure";
import { OwnersCard } from "./OwnersCard";
import { PackagesTab } from "./PackagesTab";
import { imageName, imagePath } from "./reference";
import { ScanCard } from "./ScanCard";
import { VerdictCard } from "./VerdictCard";
import { ViolationTab } from "./ViolationTab";
import { VulnerabilitiesTab } from "./VulnerabilitiesTab";
import { WorkloadsTab } from "./WorkloadsTab";

const ABOVE = { title: "Live Assessment", path: "/runtime/live/images" };

type Workloads = UseQueryResult<WorkloadRow[], unknown>;

/** Everything about one image tag: who runs it, what is in it and what is wrong with it. */
export function ImagePage() {
  const path = { image_tag_id: Number(useParams().imageTagId) };
  const image = useQuery(getImageTagOptions({ path }));
  const workloads = useQuery(listImageTagWorkloadsOptions({ path }));
  if (image.error && !image.data) {
    return <PageFailure subject="this image tag" error={image.error} retry={() => void image.refetch()} list={ABOVE} />;
  }
  return image.data && !workloads.isPending ? <Loaded image={image.data} workloads={workloads} /> : <Loading />;
}

function Loaded({ image, workloads }: { image: ImageTagDetail; workloads: Workloads }) {
  return (
    <>
      <PageHead
        title={imageName(image)}
        above={[ABOVE]}
        labels={
          <>
            {image.risks.length > 0 && <RiskLabels risks={image.risks} />}
            <DemonstrationLabel isShown={image.demonstration} />
          </>
        }
        description={
          <span className="dl-subtle dl-facts">
            <span>{image.platform}</span>
            <Digest isShort digest={image.digest} name="digest" />
            <span>
              first seen <Moment at={image.first_seen_at} />
            </span>
          </span>
        }
      />
      <PageSection>
        <Grid hasGutter>
          <GridItem lg={8}>
            <VerdictCard image={image} />
          </GridItem>
          <GridItem lg={4}>
            <OwnersCard image={image} workloads={workloads.data} />
          </GridItem>
          <GridItem>
            <ScanCard image={image} />
          </GridItem>
        </Grid>
      </PageSection>
      <PageSection isFilled>
        <ImageTabs image={image} workloads={workloads} />
      </PageSection>
    </>
  );
}

interface ImageTab {
  key: string;
  title: string;
  content: ReactNode;
}

function ImageTabs({ image, workloads }: { image: ImageTagDetail; workloads: Workloads }) {
  const { tab: wanted } = useParams();
  const navigate = useNavigate();
  const tabs = imageTabs(image, workloads);
  const open = tabs.find(({ key }) => key === wanted) ?? tabs[0];
  return (
    <Tabs
      activeKey={open?.key}
      onSelect={(_, key) => void navigate(`${imagePath(image.id)}/${key}`, { replace: true })}
      aria-label="More about the image"
      mountOnEnter
      unmountOnExit
    >
      {tabs.map(({ key, title, content }) => (
        <Tab key={key} eventKey={key} title={<TabTitleText>{title}</TabTitleText>}>
          {content}
        </Tab>
      ))}
    </Tabs>
  );
}

/** What there is to show about an image; the first is open unless the address names another. */
function imageTabs(image: ImageTagDetail, workloads: Workloads): readonly ImageTab[] {
  const violation = image.verdict.violation_type;
  const tabs = [
    { key: "vulnerabilities", title: "Vulnerabilities", content: <VulnerabilitiesTab image={image} /> },
    { key: "packages", title: "Packages", content: <PackagesTab image={image} /> },
    { key: "workloads", title: "Workloads", content: <WorkloadsTab workloads={workloads} /> },
  ];
  if (!violation) {
    return tabs;
  }
  const content = <ViolationTab image={image} violation={violation} workloads={workloads} />;
  return [{ key: "violation", title: "Integrity Violation", content }, ...tabs];
}

function Loading() {
  return (
    <>
      <PageHead title="Image tag" above={[ABOVE]} description={<Skeleton width="30%" screenreaderText="Loading" />} />
      <PageSection isFilled>
        <Grid hasGutter>
          <GridItem lg={8}>
            <Skeleton height="24rem" />
          </GridItem>
          <GridItem lg={4}>
            <Skeleton height="24rem" />
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
