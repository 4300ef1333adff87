import { Link } from "react-router";
import type { ImageTagRow } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { shortDigest } from "../facts/digest";
import { IntegrityLabel } from "../facts/IntegrityLabel";
import { RiskLabels } from "../facts/RiskLabels";
import { SeverityCounts } from "../facts/SeverityCounts";
import type { Column } from "../table/DataTable";
import { ImageName } from "./ImageName";
import { architectureOf, imagePath } from "./reference";

export const IMAGE_COLUMNS: readonly Column<ImageTagRow>[] = [
  {
    title: "Image",
    width: 30,
    cell: (row) => (
      <>
        <Link to={imagePath(row.id)}>
          <ImageName image={row} />
        </Link>{" "}
        <DemonstrationLabel isShown={row.demonstration} />
        <div className="dl-subtle" title={row.digest}>
          {shortDigest(row.digest)}
        </div>
      </>
    ),
  },
  { title: "Risk", width: 20, cell: (row) => <RiskLabels risks={row.risks} /> },
  { title: "Vulnerabilities", width: 15, cell: (row) => <SeverityCounts severities={row.severities} /> },
  {
    title: "Integrity status",
    cell: (row) => (
      <>
        <IntegrityLabel isCompact status={row.integrity_status} />
        {row.violation_type && <div className="dl-subtle">{row.violation_type}</div>}
      </>
    ),
  },
  { title: "Workloads", isNarrow: true, cell: (row) => row.workloads_count },
  { title: "Clusters", isNarrow: true, cell: (row) => row.clusters_count },
  { title: "Architecture", isNarrow: true, cell: (row) => architectureOf(row.platform) },
];
