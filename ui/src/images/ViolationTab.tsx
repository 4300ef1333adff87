import { DescriptionList, ExpandableSection, List, ListItem, Title } from "@patternfly/react-core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { ImageTagDetail, VerdictOut, ViolationType, WorkloadRow } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { elapsed } from "../facts/moment";
import { sentence } from "../facts/sentence";
import { Failure } from "../states/Failure";
import { type Column, DataTable } from "../table/DataTable";
import { ClusterName } from "./ClusterName";
import { DigestComparison } from "./DigestComparison";
import { RECOMMENDATIONS } from "./recommendations";
import { type Evidence, readEvidence } from "./verdict";

interface ViolationTabProps {
  image: ImageTagDetail;
  violation: ViolationType;
  workloads: UseQueryResult<WorkloadRow[], unknown>;
}

/** An integrity violation explained: what was found, where, and what to do about it. */
export function ViolationTab({ image, violation, workloads }: ViolationTabProps) {
  const { verdict } = image;
  const evidence = readEvidence(verdict.evidence);
  return (
    <div className="dl-after">
      <Part name="Evidence" title="What was found?">
        <DigestComparison image={image} evidence={evidence} />
        <Facts verdict={verdict} evidence={evidence} />
      </Part>
      <Part name="Location" title="Where is the Violation?">
        <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
          <Fact name="First Detected">
            <Moment at={verdict.first_detected_at} />
          </Fact>
        </DescriptionList>
        <Places workloads={workloads} />
      </Part>
      <Part name="Recommendations" title="What Steps are Recommended?">
        <List component="ol">
          {RECOMMENDATIONS[violation].map((step) => (
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
  const { deployedAt, tagSeenChangedAt } = evidence;
  const isTagUpdate = verdict.violation_type === "Post-Deployment Tag Update";
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="Violation">
        {verdict.violation_type} ({verdict.violation_severity})
      </Fact>
      <Fact name="Reason">{sentence(verdict.reason)}</Fact>
      {isTagUpdate && deployedAt && (
        <Fact name="Deployment Time">
          <Moment at={deployedAt} />
        </Fact>
      )}
      {isTagUpdate && tagSeenChangedAt && (
        <Fact name="Tag Update Time">
          seen <Moment at={tagSeenChangedAt} />
          {deployedAt && `, ${elapsed(new Date(deployedAt), new Date(tagSeenChangedAt))} after the deployment`}
        </Fact>
      )}
    </DescriptionList>
  );
}

const PLACE_COLUMNS: readonly Column<WorkloadRow>[] = [
  { title: "Cluster", width: 20, cell: (row) => <ClusterName workload={row} /> },
  { title: "Namespace", width: 15, cell: (row) => row.namespace },
  { title: "Workload", width: 25, cell: (row) => `${row.kind} ${row.name}` },
  { title: "Node", cell: (row) => row.nodes.map((node) => <div key={node}>{node}</div>) },
];

function Places({ workloads }: Pick<ViolationTabProps, "workloads">) {
  if (workloads.error && !workloads.data) {
    return <Failure subject="the workloads" error={workloads.error} retry={() => void workloads.refetch()} />;
  }
  return (
    <DataTable
      label="Where the violation is"
      columns={PLACE_COLUMNS}
      rows={workloads.data}
      rowKey={(row) => String(row.id)}
      empty="No workload runs this image any more."
    />
  );
}
