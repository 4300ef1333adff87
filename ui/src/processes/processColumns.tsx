import { Link } from "react-router";
import type { LiveProcess } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Moment } from "../facts/Moment";
import { RiskLabels } from "../facts/RiskLabels";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { visible } from "../facts/visible";
import { ImageName } from "../images/ImageName";
import { PathText } from "../images/PathText";
import { imagePath } from "../images/reference";
import { VulnerabilityCounts } from "../live/VulnerabilityCounts";
import type { Column } from "../table/DataTable";
import { NotFromImage } from "./NotFromImage";
import { processPath } from "./processList";

const NAME: Column<LiveProcess> = {
  title: "Process",
  width: 10,
  cell: (row) => (
    <>
      <Link to={processPath(row)}>{visible(row.name)}</Link>
      <NotFromImage isShown={row.changed} />
    </>
  ),
};
const RISKS: Column<LiveProcess> = { title: "Risks", width: 15, cell: (row) => <RiskLabels risks={row.risks} /> };
const VULNERABILITIES: Column<LiveProcess> = {
  title: "Vulnerabilities",
  width: 15,
  cell: (row) => <VulnerabilityCounts severities={row.severities} scanState={row.scan_state} />,
};
const STATUS: Column<LiveProcess> = {
  title: "Process status",
  width: 10,
  cell: (row) => (
    <>
      <RuntimeStatusLabel status={row.runtime_status} />
      <div className="dl-subtle">
        started <Moment isRelative at={row.last_seen_at} />
      </div>
    </>
  ),
};
const PATH: Column<LiveProcess> = {
  title: "Path",
  width: 15,
  cell: (row) => (
    <code className="dl-name">
      <PathText path={row.path} />
    </code>
  ),
};
const ARGUMENTS: Column<LiveProcess> = {
  title: "Arguments",
  width: 20,
  cell: (row) => (row.arguments ? <code className="dl-name">{visible(row.arguments)}</code> : <None />),
};

const IMAGE: Column<LiveProcess> = {
  title: "Image",
  width: 15,
  cell: (row) => (
    <>
      <Link to={imagePath(row.image_tag_id)}>
        <ImageName name={row.image} />
      </Link>
      <div className="dl-subtle">
        {row.architecture} <DemonstrationLabel isShown={row.demonstration} />
      </div>
    </>
  ),
};

const WORKLOADS: Column<LiveProcess> = { title: "Workloads", isNarrow: true, cell: (row) => row.workloads_count };
const PROGRAM = [NAME, RISKS, VULNERABILITIES, STATUS, PATH, ARGUMENTS];

/** What a workload executes. */
export const WORKLOAD_PROCESS_COLUMNS: readonly Column<LiveProcess>[] = [...PROGRAM, IMAGE];

export const PROCESS_COLUMNS: readonly Column<LiveProcess>[] = [...PROGRAM, WORKLOADS, IMAGE];

function None() {
  return <span className="dl-subtle">None</span>;
}
