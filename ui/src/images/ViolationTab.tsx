import { DescriptionList, ExpandableSection, List, ListItem, Skeleton, Title } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { listImageTagViolationPlacesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail, VerdictOut, ViolationPlace, ViolationType } from "../api/generated/types.gen";
import { Deed } from "../facts/Deed";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { Person } from "../facts/Person";
import { SeverityMark } from "../facts/Severity";
import { sentence } from "../facts/sentence";
import { Failure } from "../states/Failure";
import { type Column, DataTable } from "../table/DataTable";
import { ClusterName } from "./ClusterName";
import { CutNote } from "./CutNote";
import { DifferencesList } from "./DifferencesList";
import { DigestComparison } from "./DigestComparison";
import { TagTimeline } from "./TagTimeline";
import { type Evidence, readDifferences, readEvidence } from "./verdict";

interface ViolationTabProps {
  image: ImageTagDetail;
  violation: ViolationType;
}

/** An integrity violation explained: what was found, where, and what to do about it. It is shown when it is whole. */
export function ViolationTab({ image, violation }: ViolationTabProps) {
  const { verdict } = image;
  const places = useQuery(listImageTagViolationPlacesOptions({ path: { image_tag_id: image.id } }));
  if (places.isPending) {
    return <Skeleton className="dl-after" height="40rem" screenreaderText="Loading" />;
  }
  const evidence = readEvidence(verdict.evidence);
  const differences = readDifferences(verdict.evidence);
  return (
    <div className="dl-after">
      <Part name="Evidence" title="What was found?">
        {violation === "Post-Deployment Tag Update" && <TagTimeline evidence={evidence} />}
        <DigestComparison image={image} />
        <Facts verdict={verdict} evidence={evidence} />
        {differences && <DifferencesList differences={differences} />}
      </Part>
      <Part name="Location" title="Where is the Violation?">
        <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
          <Fact name="First Detected">
            {verdict.first_detected_at ? <Moment at={verdict.first_detected_at} /> : "Not known"}
          </Fact>
        </DescriptionList>
        <Places imageTagId={image.id} />
      </Part>
      <Part name="Recommendations" title="What Steps are Recommended?">
        {verdict.violation_severity && (
          <p>
            <SeverityMark severity={verdict.violation_severity}>
              {violation}: severity {verdict.violation_severity}
            </SeverityMark>
          </p>
        )}
        <List component="ol">
          {verdict.recommended_steps.map((step) => (
            <ListItem key={step}>{step}</ListItem>
          ))}
        </List>
      </Part>
    </div>
  );
}

function Part({ name, title, children }: { name: string; title: string; children: ReactNode }) {
  const [isExpanded, setIsExpanded] = useState(true);
  return (
    <ExpandableSection
      toggleText={name}
      toggleWrapper="h2"
      isExpanded={isExpanded}
      onToggle={(_, expanded) => setIsExpanded(expanded)}
      isIndented
    >
      <div className="dl-part">
        <Title headingLevel="h3">{title}</Title>
        {children}
      </div>
    </ExpandableSection>
  );
}

function Facts({ verdict, evidence }: { verdict: VerdictOut; evidence: Evidence }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="Violation">
        {verdict.violation_type} {verdict.violation_severity && `(${verdict.violation_severity})`}
      </Fact>
      <Fact name="Reason">{sentence(verdict.reason)}</Fact>
      {verdict.violation_type === "Missing Source" && (
        <Fact name="Last seen there">
          {evidence.lastSeenPresentAt ? (
            <Moment at={evidence.lastSeenPresentAt} />
          ) : (
            "Never: the registry did not have it when it was first asked."
          )}
        </Fact>
      )}
      {evidence.deletedAt && (
        <Fact name="Deleted">
          <Deed at={evidence.deletedAt} by={evidence.deletedBy} />
        </Fact>
      )}
      {evidence.restorableFrom && <Fact name="Can be restored from">{evidence.restorableFrom}</Fact>}
      {evidence.pushedAt && verdict.violation_type !== "Missing Source" && (
        <Fact name="Pushed">
          <Deed at={evidence.pushedAt} by={evidence.pushedBy} />
        </Fact>
      )}
      {evidence.origin && <Fact name="Cached copy of">{evidence.origin}</Fact>}
      {verdict.occurrence > 1 && (
        <Fact name="Opened before">
          {verdict.occurrence - 1 === 1 ? "Once" : `${verdict.occurrence - 1} times`}, first{" "}
          <Moment at={verdict.first_ever_detected_at} />
        </Fact>
      )}
    </DescriptionList>
  );
}

const PLACE_COLUMNS: readonly Column<ViolationPlace>[] = [
  { title: "First Detected", isNarrow: true, cell: (row) => <Moment at={row.detected_at} /> },
  { title: "Cluster", width: 15, cell: (row) => <ClusterName place={row} /> },
  { title: "Namespace", width: 15, cell: (row) => row.namespace },
  { title: "Workload", width: 20, cell: (row) => `${row.kind} ${row.name}` },
  { title: "Node", width: 15, cell: (row) => row.nodes.map((node) => <div key={node}>{node}</div>) },
  {
    title: "Deployed By",
    cell: (row) => <Person attribution={row.deployed_by} unless="The workload does not say." />,
  },
];

/** The tab has waited for them. */
function Places({ imageTagId }: { imageTagId: number }) {
  const { data, error, refetch } = useQuery(listImageTagViolationPlacesOptions({ path: { image_tag_id: imageTagId } }));
  if (!data) {
    return <Failure subject="where the violation is" error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      <CutNote shown={data.places.length} total={data.total} what="places" />
      <DataTable
        label="Where the violation is"
        columns={PLACE_COLUMNS}
        rows={data.places}
        rowKey={(row) => String(row.workload_id)}
        empty="No workload runs this image any more; the violation closes with the next comparison."
      />
    </>
  );
}
