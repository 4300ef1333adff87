import { Content, Label, type LabelProps, List, ListItem, PageSection } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { listBlockingOptions } from "../api/generated/@tanstack/react-query.gen";
import type { BlockingMode, BlockingOut } from "../api/generated/types.gen";
import { CLUSTERS_PATH } from "../clusters/clusterPath";
import { Moment } from "../facts/Moment";
import { useMay } from "../session/session";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { Notice } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { BlockingDialog } from "./BlockingDialog";
import { atLeast, MODE_NAMES } from "./blocking";
import { DetectionsHead } from "./DetectionsHead";
import { detectionPath, parseDetectionQuery } from "./detectionQuery";
import { PolicyStanding } from "./PolicyStanding";
import { BLOCKING_PATH } from "./paths";

/** Runtime > Detections > Blocking. */
export function BlockingPage() {
  const mayChange = useMay("admin");
  const [changed, setChanged] = useState<BlockingOut | null>(null);
  const { data, error, refetch } = useQuery(listBlockingOptions());
  return (
    <>
      <DetectionsHead
        active={BLOCKING_PATH}
        title="Blocking"
        description="What sensors stop, cluster by cluster. Nothing, unless you say so; and audit comes first."
      />
      <PageSection isFilled aria-label="Blocking">
        <PolicyStanding />
        <Notice variant="info" title="What blocking can do, and what it cannot">
          <List>
            <ListItem>
              Where the kernel lets a sensor decide (BPF LSM), a program is denied and never runs. Elsewhere it is
              killed as it starts: what it did before that moment is done.
            </ListItem>
            <ListItem>
              Scripts that an interpreter reads are not stopped: the program that runs is the image's own python or sh.
            </ListItem>
            <ListItem>
              A new container is covered once its sensor has heard of it, with the heartbeat after its start is known.
            </ListItem>
          </List>
        </Notice>
        {error && !data ? (
          <Failure subject="what is blocked" error={error} retry={() => void refetch()} />
        ) : (
          <DataTable
            label="Blocking"
            columns={mayChange ? [...COLUMNS, actionsColumn(setChanged)] : COLUMNS}
            rows={data}
            rowKey={(row) => row.cluster_id}
            expectedRows={3}
            empty={
              <NothingYet title="There is no cluster yet">
                Connect one under <Link to={CLUSTERS_PATH}>Cluster Management</Link>, with sensors: they are what
                blocks.
              </NothingYet>
            }
          />
        )}
        {data?.[0] && (
          <Content component="small">
            System namespaces, where nothing is blocked unless they are named: {data[0].system_namespaces.join(", ")}.
          </Content>
        )}
      </PageSection>
      {changed && <BlockingDialog policy={changed} close={() => setChanged(null)} />}
    </>
  );
}

const LOOKS: Record<BlockingMode, Pick<LabelProps, "status" | "color">> = {
  off: { color: "grey" },
  audit: { status: "info" },
  enforce: { status: "success" },
};

const STOPPED = parseDetectionQuery(new URLSearchParams("days=365&shown=all"));

const COLUMNS: readonly Column<BlockingOut>[] = [
  {
    title: "Cluster",
    width: 20,
    cell: (row) => (
      <>
        <span className="dl-break">{row.cluster}</span>
        <div className="dl-subtle">{row.sensors === 1 ? "1 sensor" : `${row.sensors} sensors`}</div>
      </>
    ),
  },
  {
    title: "Mode",
    isNarrow: true,
    cell: (row) => (
      <>
        <Label isCompact {...LOOKS[row.mode]}>
          {MODE_NAMES[row.mode]}
        </Label>
        {row.audited_since && (
          <div className="dl-subtle">
            this policy: <Moment at={row.audited_since} isRelative />
          </div>
        )}
      </>
    ),
  },
  {
    title: "What is stopped",
    width: 30,
    cell: (row) =>
      row.mode === "off" ? (
        <span className="dl-subtle">Nothing</span>
      ) : (
        <>
          {[row.drift && "Drift", row.mismatch && "Mismatch"].filter(Boolean).join(", ")}, in {row.containers}{" "}
          {row.containers === 1 ? "container" : "containers"} now
          <div className="dl-subtle dl-break">
            {row.included.length > 0 ? `only in ${row.included.join(", ")}` : "everywhere but in system namespaces"}
            {row.excluded.length > 0 && `, never in ${row.excluded.join(", ")}`}
          </div>
        </>
      ),
  },
  {
    title: "Would have been stopped",
    isNarrow: true,
    cell: (row) =>
      row.would_block_programs > 0 ? (
        <>
          {atLeast(row)}
          <Link to={detectionPath(null, { ...STOPPED, cluster: [row.cluster], response: ["would_block"] })}>
            {row.would_block_programs === 1 ? "1 program" : `${row.would_block_programs} programs`}
          </Link>
          <div className="dl-subtle">{row.would_block_times === 1 ? "once" : `${row.would_block_times} times`}</div>
        </>
      ) : row.is_counted_whole ? (
        "None"
      ) : (
        "None in the last 7 days"
      ),
  },
  {
    title: "Stopped",
    isNarrow: true,
    cell: (row) => `${atLeast(row)}${row.denied} denied, ${row.killed} killed`,
  },
  {
    title: "Changed",
    isNarrow: true,
    cell: (row) =>
      row.changed_by ? (
        <>
          {row.changed_by}
          <div className="dl-subtle">
            <Moment at={row.changed_at} isRelative />
          </div>
        </>
      ) : (
        <span className="dl-subtle">Never</span>
      ),
  },
];

function actionsColumn(change: (policy: BlockingOut) => void): Column<BlockingOut> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (row) => (
      <RowActions subject={row.cluster} actions={[{ title: "Change blocking", act: () => change(row) }]} />
    ),
  };
}
