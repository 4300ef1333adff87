import {
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  Content,
  DescriptionList,
  Flex,
  FlexItem,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import { Link } from "react-router";
import type { ImageTagDetail, VerdictOut } from "../api/generated/types.gen";
import { Digest } from "../facts/Digest";
import { Fact } from "../facts/Fact";
import { IntegrityLabel } from "../facts/IntegrityLabel";
import { Moment } from "../facts/Moment";
import { SeverityMark } from "../facts/Severity";
import { Notice } from "../states/Notice";
import { explainVerdict, RUNTIME_DIGEST } from "./verdict";

/** What comparing the image with its registry gave; a violation's evidence has a tab of its own. */
export function VerdictCard({ image }: { image: ImageTagDetail }) {
  const { verdict } = image;
  return (
    <Card isFullHeight component="section" aria-labelledby="verdict-title">
      <CardHeader>
        <CardTitle component="h2" id="verdict-title">
          Image integrity
        </CardTitle>
      </CardHeader>
      <CardBody>
        <Stack hasGutter>
          <StackItem>
            <VerdictLine verdict={verdict} />
            <Content component="p">
              {explainVerdict(verdict)}
              {verdict.status === "Untrusted Registry" && (
                <>
                  {" "}
                  <Link to="/admin/registries">Trust it under Registries</Link> to have it compared and scanned.
                </>
              )}
            </Content>
          </StackItem>
          <Doubts verdict={verdict} />
          <StackItem>
            <VerdictFacts image={image} />
          </StackItem>
        </Stack>
      </CardBody>
    </Card>
  );
}

function VerdictLine({ verdict }: { verdict: VerdictOut }) {
  return (
    <Flex className="dl-verdict" columnGap={{ default: "columnGapMd" }} alignItems={{ default: "alignItemsCenter" }}>
      <FlexItem>
        <IntegrityLabel status={verdict.status} />
      </FlexItem>
      {verdict.violation_type && (
        <FlexItem>
          <strong>{verdict.violation_type}</strong>
        </FlexItem>
      )}
      {verdict.violation_severity && (
        <FlexItem>
          <SeverityMark severity={verdict.violation_severity} />
        </FlexItem>
      )}
    </Flex>
  );
}

function Doubts({ verdict }: { verdict: VerdictOut }) {
  if (verdict.stale_reason) {
    return (
      <StackItem>
        <Notice variant="warning" title="The registry cannot be asked, so this is not confirmed">
          Since <Moment at={verdict.stale_since} />: {verdict.stale_reason}. The verdict is the last one that could be
          reached; it is asked again by itself.
        </Notice>
      </StackItem>
    );
  }
  if (verdict.status === null && verdict.problem) {
    return (
      <StackItem>
        <Notice variant="warning" title="Never compared with its registry">
          {verdict.problem}. It is asked again by itself; the registry's settings are under{" "}
          <Link to="/admin/registries">Registries</Link>.
        </Notice>
      </StackItem>
    );
  }
  return null;
}

function VerdictFacts({ image }: { image: ImageTagDetail }) {
  const { verdict } = image;
  return (
    <DescriptionList isCompact className="dl-info">
      {verdict.expected_digest && !verdict.violation_type && (
        <>
          <Fact name={RUNTIME_DIGEST}>
            <Digest isShort digest={image.digest} name="runtime digest" />
          </Fact>
          <Fact name={image.source.expected_digest_label}>
            <Digest isShort digest={verdict.expected_digest} name="registry digest" link={verdict.expected_link} />
          </Fact>
        </>
      )}
      {verdict.first_detected_at && (
        <Fact name="First Detected">
          <Moment at={verdict.first_detected_at} />
        </Fact>
      )}
      {verdict.judged_at && (
        <Fact name="Last judged">
          <Moment at={verdict.judged_at} />
        </Fact>
      )}
    </DescriptionList>
  );
}
