import { Button, Flex, Grid, GridItem, PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import ExternalLinkAltIcon from "@patternfly/react-icons/dist/esm/icons/external-link-alt-icon";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import {
  getImageTagAttestationsOptions,
  getImageTagIssueOptions,
  getImageTagOptions,
  getImageTagOwnersOptions,
} from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { DetectionsTab } from "../detections/DetectionsTab";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Digest } from "../facts/Digest";
import { Moment } from "../facts/Moment";
import type { Message } from "../facts/mailto";
import { RiskLabels } from "../facts/RiskLabels";
import { type DetailTab, DetailTabs } from "../shell/DetailTabs";
import { PageHead } from "../shell/PageHead";
import { Notice } from "../states/Notice";
import { PageFailure } from "../states/PageFailure";
import { ClustersTab } from "./ClustersTab";
import { CveCounts } from "./CveCounts";
import { ExposuresTab } from "./ExposuresTab";
import { HistoryTab } from "./HistoryTab";
import { ImageInfoCard } from "./ImageInfoCard";
import { IssueMenu } from "./IssueMenu";
import { MaliciousTab } from "./MaliciousTab";
import { PackagesTab } from "./PackagesTab";
import { imageName, imagePath } from "./reference";
import { SignaturesTab } from "./SignaturesTab";
import { VerdictCard } from "./VerdictCard";
import { ViolationTab } from "./ViolationTab";
import { VulnerabilitiesTab } from "./VulnerabilitiesTab";
import { WorkloadsTab } from "./WorkloadsTab";

const ABOVE = { title: "Live Assessment", path: "/runtime/live/images" };

/**
 * Everything about one image tag: who runs it, what is in it and what is wrong with it.
 *
 * It waits for its people and signatures, too: how many lines they take is not known before, and the tabs stand below.
 */
export function ImagePage() {
  const path = { image_tag_id: Number(useParams().imageTagId) };
  const image = useQuery(getImageTagOptions({ path }));
  const issue = useQuery(getImageTagIssueOptions({ path }));
  const owners = useQuery(getImageTagOwnersOptions({ path }));
  const attestations = useQuery(getImageTagAttestationsOptions({ path }));
  if (image.error && !image.data) {
    return <PageFailure subject="this image tag" error={image.error} retry={() => void image.refetch()} list={ABOVE} />;
  }
  const message = issue.data && { subject: issue.data.title, body: issue.data.text };
  const isWaiting = owners.isPending || attestations.isPending;
  return image.data && !isWaiting ? <Loaded image={image.data} message={message} /> : <Loading />;
}

function Loaded({ image, message }: { image: ImageTagDetail; message: Message | undefined }) {
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
        actions={<Actions image={image} message={message} />}
      />
      <PageSection>
        <Grid hasGutter>
          <Warnings image={image} />
          <GridItem lg={8}>
            <ImageInfoCard image={image} message={message} />
          </GridItem>
          <GridItem lg={4}>
            <Stack hasGutter>
              <StackItem isFilled>
                <VerdictCard image={image} />
              </StackItem>
              <StackItem>
                <CveCounts image={image} />
              </StackItem>
            </Stack>
          </GridItem>
        </Grid>
      </PageSection>
      <PageSection isFilled>
        <DetailTabs label="More about the image" page={imagePath(image.id)} tabs={imageTabs(image)} />
      </PageSection>
    </>
  );
}

function Actions({ image, message }: { image: ImageTagDetail; message: Message | undefined }) {
  const { link, product } = image.source;
  return (
    <Flex columnGap={{ default: "columnGapSm" }} flexWrap={{ default: "nowrap" }}>
      {link && (
        <Button
          variant="secondary"
          icon={<ExternalLinkAltIcon />}
          iconPosition="end"
          component="a"
          href={link}
          target="_blank"
          rel="noreferrer"
        >
          Show in {product}
        </Button>
      )}
      <IssueMenu imageTagId={image.id} message={message} />
    </Flex>
  );
}

/** What nobody should miss: a malicious package, and what the scanner could not read. */
function Warnings({ image }: { image: ImageTagDetail }) {
  const count = image.malicious_packages;
  return (
    <>
      {count > 0 && (
        <GridItem>
          <Notice
            variant="danger"
            title={`This image contains ${count === 1 ? "a malicious package" : `${count} malicious packages`}`}
          >
            Isolate what runs it. <Link to={`${imagePath(image.id)}/malicious`}>See Malicious Packages</Link>
          </Notice>
        </GridItem>
      )}
      {image.scan_problems.map((problem) => (
        <GridItem key={problem}>
          <Notice variant="warning" isPlain title={problem} />
        </GridItem>
      ))}
    </>
  );
}

/** What there is to show about an image. */
function imageTabs(image: ImageTagDetail): readonly DetailTab[] {
  const violation = image.verdict.violation_type;
  const tabs = [
    { key: "vulnerabilities", title: "Vulnerabilities", content: <VulnerabilitiesTab image={image} /> },
    { key: "malicious", title: "Malicious Packages", content: <MaliciousTab image={image} /> },
    { key: "packages", title: "Packages", content: <PackagesTab image={image} /> },
    { key: "workloads", title: "Workloads", content: <WorkloadsTab image={image} /> },
    { key: "clusters", title: "Clusters", content: <ClustersTab image={image} /> },
    { key: "exposures", title: "Exposures", content: <ExposuresTab image={image} /> },
    {
      key: "detections",
      title: "Detections",
      content: <DetectionsTab subject={{ image_tag_id: image.id }} what="image" />,
    },
    { key: "signatures", title: "Signatures", content: <SignaturesTab image={image} /> },
    { key: "history", title: "History", content: <HistoryTab image={image} /> },
  ];
  if (!violation) {
    return tabs;
  }
  const content = <ViolationTab image={image} violation={violation} />;
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
