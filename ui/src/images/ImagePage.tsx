import { Grid, GridItem, PageSection, Skeleton, Tab, Tabs, TabTitleText } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { getImageTagOptions, listImageTagWorkloadsOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail } from "../api/generated/types.gen";
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
import { VulnerabilitiesTab } from "./VulnerabilitiesTab";
import { WorkloadsTab } from "./WorkloadsTab";

const ABOVE = { title: "Live Assessment", path: "/runtime/live/images" };
const FIRST_TAB = "vulnerabilities";

/** Everything about one image tag: who runs it, what is in it and what is wrong with it. */
export function ImagePage() {
  const { imageTagId, tab = FIRST_TAB } = useParams();
  const id = Number(imageTagId);
  const image = useQuery(getImageTagOptions({ path: { image_tag_id: id } }));
  if (image.data) {
    return <Loaded image={image.data} tab={tab} />;
  }
  if (image.error) {
    return <PageFailure subject="this image tag" error={image.error} retry={() => void image.refetch()} list={ABOVE} />;
  }
  return <Loading />;
}

function Loaded({ image, tab }: { image: ImageTagDetail; tab: string }) {
  const workloads = useQuery(listImageTagWorkloadsOptions({ path: { image_tag_id: image.id } }));
  const navigate = useNavigate();
  const openTab = (key: string) =>
    navigate(key === FIRST_TAB ? imagePath(image.id) : `${imagePath(image.id)}/${key}`, { replace: true });

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
            <OwnersCard image={image} workloads={workloads.data ?? []} />
          </GridItem>
          <GridItem>
            <ScanCard image={image} />
          </GridItem>
        </Grid>
      </PageSection>
      <PageSection isFilled>
        <Tabs
          activeKey={tab}
          onSelect={(_, key) => void openTab(String(key))}
          aria-label="Contents of the image"
          mountOnEnter
          unmountOnExit
        >
          <Tab eventKey="vulnerabilities" title={<TabTitleText>Vulnerabilities</TabTitleText>}>
            <VulnerabilitiesTab image={image} />
          </Tab>
          <Tab eventKey="packages" title={<TabTitleText>Packages</TabTitleText>}>
            <PackagesTab image={image} />
          </Tab>
          <Tab eventKey="workloads" title={<TabTitleText>Workloads</TabTitleText>}>
            <WorkloadsTab workloads={workloads} />
          </Tab>
        </Tabs>
      </PageSection>
    </>
  );
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
