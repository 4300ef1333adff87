import { useQuery } from "@tanstack/react-query";
import { listAccessedFilesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { AccessedFile, ProcessDetail } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { PathText } from "../images/PathText";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { NotFromImage } from "./NotFromImage";

const ACCESS: Record<AccessedFile["grade"], string> = {
  executed: "Executed",
  mapped: "Mapped as code",
  opened: "Opened",
};

const COLUMNS: readonly Column<AccessedFile>[] = [
  {
    title: "File",
    width: 45,
    cell: (row) => (
      <>
        <code className="dl-break">
          <PathText path={row.path} />
        </code>
        <NotFromImage isShown={row.changed} />
      </>
    ),
  },
  { title: "Access", isNarrow: true, cell: (row) => ACCESS[row.grade] },
  { title: "Containers", isNarrow: true, cell: (row) => row.containers },
  { title: "First seen", isNarrow: true, cell: (row) => <Moment at={row.first_at} /> },
  { title: "Last seen", isNarrow: true, cell: (row) => <Moment isRelative at={row.last_at} /> },
];

/** Files a process opened or mapped as code. */
export function AccessedFilesTab({ process }: { process: ProcessDetail }) {
  const path = { image_tag_id: process.image_tag_id, program_id: process.program_id };
  const { data, error, refetch } = useQuery(listAccessedFilesOptions({ path }));
  if (error && !data) {
    return <Failure subject="the files" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Accessed files"
      searchLabel="Search by path"
      columns={COLUMNS}
      rows={data}
      rowKey={(row) => `${row.grade} ${row.path}`}
      textOf={(row) => row.path}
      empty={
        <NothingYet title="No file was seen">
          Sensors report each file once for each container, with the program that opened it first. None was reported of
          this program.
        </NothingYet>
      }
    />
  );
}
