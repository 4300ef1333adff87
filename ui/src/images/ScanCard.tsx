import { Card, CardBody, CardHeader, CardTitle, DescriptionList, Label } from "@patternfly/react-core";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { SeverityCounts } from "../facts/SeverityCounts";
import { sentence } from "../facts/sentence";
import { Notice } from "../states/Notice";
import { describeScan } from "./scan";

/** How far what is known about the image's contents goes. */
export function ScanCard({ image }: { image: ImageTagDetail }) {
  const { name, meaning, status } = describeScan(image.scan_status);
  const isScanned = image.severities !== null;
  return (
    <Card component="section" aria-labelledby="scan-title">
      <CardHeader>
        <CardTitle component="h2" id="scan-title">
          Scan
        </CardTitle>
      </CardHeader>
      <CardBody>
        <p>
          <Label isCompact status={status}>
            {name}
          </Label>{" "}
          <span className="dl-break">{sentence(image.scan_error) || meaning}</span>
        </p>
        {isScanned && <Contents image={image} />}
        {image.scan_problems.map((problem) => (
          <Notice key={problem} variant="warning" isPlain title={problem} />
        ))}
      </CardBody>
    </Card>
  );
}

function Contents({ image }: { image: ImageTagDetail }) {
  return (
    <DescriptionList isCompact columnModifier={{ default: "2Col", xl: "3Col" }} className="dl-after">
      <Fact name="Scanned at">
        <Moment at={image.scanned_at} />
      </Fact>
      <Fact name="Distribution">{image.distribution || "None known"}</Fact>
      <Fact name="Packages">{image.packages_count}</Fact>
      <Fact name="Vulnerabilities">
        <SeverityCounts severities={image.severities} />
      </Fact>
      <Fact name="Critical and applicable">{image.critical_applicable}</Fact>
      <Fact name="Validated in runtime">{image.validated_vulnerabilities}</Fact>
    </DescriptionList>
  );
}
