import { Link } from "react-router";
import type { DetectionRow } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Moment } from "../facts/Moment";
import { SeverityMark } from "../facts/Severity";
import { ImageName } from "../images/ImageName";
import { PathText } from "../images/PathText";
import { imagePath } from "../images/reference";
import type { Column } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { workloadPath } from "../workloads/workloadList";
import type { DetectionAction } from "./actions";
import { DetectionStatusLabel, ResponseLabel } from "./labels";

/** What was detected and how bad it is; the title leads to `pathOf` it. */
export function whatColumns(pathOf: (id: number) => string): readonly Column<DetectionRow>[] {
  return [
    { title: "Severity", isNarrow: true, cell: (row) => <SeverityMark severity={row.severity} /> },
    {
      title: "What happened",
      width: 25,
      cell: (row) => (
        <>
          <Link to={pathOf(row.id)} className="dl-name">
            {row.title}
          </Link>{" "}
          <DemonstrationLabel isShown={row.demonstration} />
          <div className="dl-subtle dl-break">{[row.rule, ...row.mitre].join(" · ")}</div>
        </>
      ),
    },
  ];
}

/** Where it was. */
export const WHERE: Column<DetectionRow> = {
  title: "Where",
  width: 25,
  cell: (row) =>
    row.workload ? (
      <>
        <Workload detection={row} />
        <div className="dl-subtle dl-name">
          {row.workload_kind} in {row.namespace} on {row.cluster}
        </div>
        {row.image_tag_id !== null && (
          <Link to={imagePath(row.image_tag_id)}>
            <ImageName name={row.image} />
          </Link>
        )}
      </>
    ) : (
      <>
        Container <code>{row.container_id.slice(0, 12)}</code>
        <div className="dl-subtle">on {row.cluster}; its workload is not known</div>
      </>
    ),
};

/** A workload's name, with a link while it is there. */
export function Workload({ detection }: { detection: DetectionRow }) {
  return detection.workload_id === null ? (
    <span className="dl-break">{detection.workload}</span>
  ) : (
    <Link to={workloadPath(detection.workload_id)} className="dl-break">
      {detection.workload}
    </Link>
  );
}

/** By what, how often, when, and what became of it. */
export const COURSE: readonly Column<DetectionRow>[] = [
  {
    title: "Program",
    width: 15,
    cell: (row) =>
      row.program ? (
        <code className="dl-name">
          <PathText path={row.program} />
        </code>
      ) : (
        <span className="dl-subtle">Several</span>
      ),
  },
  {
    title: "Last seen",
    isNarrow: true,
    cell: (row) => (
      <>
        <Moment at={row.last_at} isRelative />
        <div className="dl-subtle">{row.count === 1 ? "once" : `${row.count} times`}</div>
      </>
    ),
  },
  { title: "Response", isNarrow: true, cell: (row) => <ResponseLabel response={row.response} /> },
  { title: "Status", isNarrow: true, cell: (row) => <DetectionStatusLabel detection={row} /> },
];

/** The columns of the list. */
export function detectionColumns(
  pathOf: (id: number) => string,
  actionsOn: (detection: DetectionRow) => DetectionAction[],
): readonly Column<DetectionRow>[] {
  return [
    ...whatColumns(pathOf),
    WHERE,
    ...COURSE,
    {
      title: "Owner",
      width: 10,
      cell: (row) => (
        <span className="dl-name">
          {row.owner?.team || row.owner?.person || row.owner?.email || <span className="dl-subtle">None</span>}
        </span>
      ),
    },
    {
      title: "Actions",
      isUntitled: true,
      isNarrow: true,
      cell: (row) => <RowActions subject={`${row.title} in ${row.workload}`} actions={actionsOn(row)} />,
    },
  ];
}
