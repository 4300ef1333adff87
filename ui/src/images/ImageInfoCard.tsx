import { Card, CardBody, CardHeader, CardTitle, DescriptionList, Label } from "@patternfly/react-core";
import { Link } from "react-router";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { Copyable } from "../facts/Copyable";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import type { Message } from "../facts/mailto";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { SeverityCounts } from "../facts/SeverityCounts";
import { sentence } from "../facts/sentence";
import { ImageOwners } from "./ImageOwners";
import { imagePath } from "./reference";
import { SignatureSummary } from "./SignatureSummary";
import { describeScan } from "./scan";

interface ImageInfoProps {
  image: ImageTagDetail;
  /** What a message to its people starts with; undefined while it is loading. */
  message: Message | undefined;
}

/** What the image is, where it runs and whom to ask about it. */
export function ImageInfoCard({ image, message }: ImageInfoProps) {
  return (
    <Card isFullHeight component="section" aria-labelledby="image-info-title">
      <CardHeader>
        <CardTitle component="h2" id="image-info-title">
          Image Tag Info
        </CardTitle>
      </CardHeader>
      <CardBody>
        <DescriptionList isCompact className="dl-info">
          <WhereItRuns image={image} />
          <WhereItIsFrom image={image} />
          <ImageOwners imageTagId={image.id} message={message} />
          <Fact name="Scan">
            <Scan image={image} />
          </Fact>
          <Fact name="Signature">
            <SignatureSummary imageTagId={image.id} />
          </Fact>
          <Fact name="Distribution">{image.distribution || "None known"}</Fact>
        </DescriptionList>
      </CardBody>
    </Card>
  );
}

function WhereItRuns({ image }: { image: ImageTagDetail }) {
  const hidden = image.namespaces_count - image.namespaces.length;
  return (
    <>
      <Fact name="Runtime status">
        <RuntimeStatusLabel status={image.runtime_status} />
      </Fact>
      <Fact name="Vulnerabilities">
        <SeverityCounts severities={image.severities} />
      </Fact>
      <Fact name="No. of Workloads">
        <Link to={`${imagePath(image.id)}/workloads`}>{image.workloads_count}</Link>
      </Fact>
      <Fact name="No. of Clusters">
        <Link to={`${imagePath(image.id)}/clusters`}>{image.clusters_count}</Link>
      </Fact>
      <Fact name="Namespaces">
        {image.namespaces.join(", ") || <span className="dl-subtle">None now</span>}
        {hidden > 0 && ` and ${hidden} more`}
      </Fact>
      <Fact name="Cloud Providers">{image.providers.join(", ") || <span className="dl-subtle">None now</span>}</Fact>
    </>
  );
}

function WhereItIsFrom({ image }: { image: ImageTagDetail }) {
  const { host, product, trusted } = image.source;
  return (
    <>
      <Fact name="Registry name">
        <span className="dl-break">{host}</span>
        <div className="dl-subtle">{trusted ? product : "Not trusted"}</div>
      </Fact>
      <Fact name="Repository Path">
        <Copyable text={image.repository} name="repository path" />
      </Fact>
    </>
  );
}

function Scan({ image }: { image: ImageTagDetail }) {
  const { name, meaning, status } = describeScan(image.scan_status);
  const more = sentence(image.scan_error) || meaning;
  return (
    <>
      <Label isCompact status={status}>
        {name}
      </Label>
      <div className="dl-subtle dl-break">
        {image.severities !== null && (
          <>
            {image.packages_count} packages, <Moment at={image.scanned_at} />{" "}
          </>
        )}
        {more}
        {!more && image.scan_decision && sentence(image.scan_decision)}
      </div>
    </>
  );
}
