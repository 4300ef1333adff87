import { Label } from "@patternfly/react-core";
import { Link } from "react-router";
import type { WindowRow } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Moment } from "../facts/Moment";
import { RiskLabels } from "../facts/RiskLabels";
import { ImageName } from "../images/ImageName";
import { imagePath } from "../images/reference";
import type { Column } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import type { WindowAction } from "./actions";
import { StateLabel } from "./StateLabel";
import { Timeline } from "./Timeline";
import { type WindowQuery, windowPath } from "./windowQuery";

/** The columns of the list; names of workloads lead to the window beside it. */
export function windowColumns(
  query: WindowQuery,
  actionsOn: (window: WindowRow) => WindowAction[],
): readonly Column<WindowRow>[] {
  return [
    {
      title: "Risk",
      width: 15,
      cell: (row) => (
        <>
          <RiskLabels risks={[row.risk]} />
          {row.violation_type && <div className="dl-subtle">{row.violation_type}</div>}
          {row.detection && <div className="dl-subtle dl-break">{row.detection.title}</div>}
          {row.previous_id !== null && (
            <Label isCompact variant="outline">
              Opened again
            </Label>
          )}
        </>
      ),
    },
    {
      title: "Workload",
      width: 20,
      cell: (row) => (
        <>
          <Link to={windowPath(row.id, query)} className="dl-break">
            {row.workload}
          </Link>{" "}
          <DemonstrationLabel isShown={row.demonstration} />
          <div className="dl-subtle dl-break">
            {row.kind} in {row.namespace} on {row.cluster}
          </div>
        </>
      ),
    },
    {
      title: "Image",
      width: 20,
      cell: (row) => (
        <Link to={imagePath(row.image_tag_id)}>
          <ImageName name={row.image} />
        </Link>
      ),
    },
    { title: "Exposure", width: 20, cell: (row) => <Timeline window={row} /> },
    { title: "Live since", isNarrow: true, cell: (row) => <Moment at={row.opened_at} isRelative /> },
    { title: "State", isNarrow: true, cell: (row) => <StateLabel state={row.state} /> },
    {
      title: "Team",
      width: 10,
      cell: (row) => <span className="dl-name">{row.team || <span className="dl-subtle">None</span>}</span>,
    },
    {
      title: "Actions",
      isUntitled: true,
      isNarrow: true,
      cell: (row) => <RowActions subject={`${row.workload}: ${row.risk}`} actions={actionsOn(row)} />,
    },
  ];
}
