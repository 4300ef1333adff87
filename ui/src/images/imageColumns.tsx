import { Link } from "react-router";
import type { ImageRow, ImageTagRow, RuntimeStatus } from "../api/generated/types.gen";
import { openDetectionsPath } from "../detections/detectionQuery";
import { OpenDetections } from "../detections/OpenDetections";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { shortDigest } from "../facts/digest";
import { RiskLabels } from "../facts/RiskLabels";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { SeverityCounts } from "../facts/SeverityCounts";
import type { Column } from "../table/DataTable";
import { ImageName } from "./ImageName";
import { architectureOf, imagePath } from "./reference";

/** What images and their tags have in common. */
interface Row {
  risks: ImageRow["risks"];
  severities: ImageRow["severities"];
  runtime_status: RuntimeStatus;
  workloads_count: number;
  clusters_count: number;
  providers: readonly string[];
  violation_type?: string | null;
}

const RISK: Column<Row> = {
  title: "Risk",
  width: 20,
  cell: (row) => (
    <>
      <RiskLabels risks={row.risks} />
      {row.violation_type && <div className="dl-subtle">{row.violation_type}</div>}
    </>
  ),
};
const VULNERABILITIES: Column<Row> = {
  title: "Vulnerabilities",
  width: 15,
  cell: (row) => <SeverityCounts severities={row.severities} />,
};
const DETECTIONS_TITLE = "Open detections";
const STATUS: Column<Row> = {
  title: "Runtime status",
  isNarrow: true,
  cell: (row) => <RuntimeStatusLabel status={row.runtime_status} />,
};
const WORKLOADS: Column<Row> = { title: "Workloads", isNarrow: true, cell: (row) => row.workloads_count };
const CLUSTERS: Column<Row> = { title: "Clusters", isNarrow: true, cell: (row) => row.clusters_count };
const PROVIDERS: Column<Row> = { title: "Cloud provider", cell: (row) => row.providers.join(", ") };

export const IMAGE_COLUMNS: readonly Column<ImageRow>[] = [
  {
    title: "Image name",
    width: 15,
    cell: (row) => (
      <>
        <Link to={imagePath(row.riskiest_tag_id)}>{row.repository.split("/").at(-1)}</Link>{" "}
        <DemonstrationLabel isShown={row.demonstration} />
        <div className="dl-subtle">{row.tags_count === 1 ? row.riskiest_tag || "1 tag" : `${row.tags_count} tags`}</div>
      </>
    ),
  },
  RISK,
  {
    title: DETECTIONS_TITLE,
    width: 10,
    cell: (row) => (
      <OpenDetections detections={row.detections} to={openDetectionsPath(`${row.registry}/${row.repository}`)} />
    ),
  },
  VULNERABILITIES,
  STATUS,
  WORKLOADS,
  {
    title: "Repository path",
    width: 20,
    cell: (row) => <ImageName name={`${row.registry}/${row.repository}`} />,
  },
  CLUSTERS,
  PROVIDERS,
];

export const TAG_COLUMNS: readonly Column<ImageTagRow>[] = [
  {
    title: "Tag",
    width: 15,
    cell: (row) => (
      <>
        <Link to={imagePath(row.id)}>{row.tag || "pinned by digest"}</Link>
        <div className="dl-subtle" title={row.digest}>
          {shortDigest(row.digest)}
        </div>
      </>
    ),
  },
  RISK,
  {
    title: DETECTIONS_TITLE,
    width: 10,
    cell: (row) => <OpenDetections detections={row.detections} to={`${imagePath(row.id)}/detections`} />,
  },
  VULNERABILITIES,
  STATUS,
  { title: "Architecture", isNarrow: true, cell: (row) => architectureOf(row.platform) },
  WORKLOADS,
  CLUSTERS,
  PROVIDERS,
];
