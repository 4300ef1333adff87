import { Pagination, SearchInput, Toolbar, ToolbarContent, ToolbarItem } from "@patternfly/react-core";
import { type ComponentProps, type ReactNode, useDeferredValue, useMemo, useState } from "react";
import { NothingFound } from "../states/NothingFound";
import { DataTable } from "./DataTable";
import { matching, pageOf } from "./paging";

const PER_PAGE = [
  { title: "20", value: 20 },
  { title: "50", value: 50 },
  { title: "100", value: 100 },
];

type SearchableTableProps<Row> = ComponentProps<typeof DataTable<Row>> & {
  /** What a search looks at. */
  textOf: (row: Row) => string;
  searchLabel: string;
  /** More to narrow by, beside the search; the rows are those that are left. */
  filters?: ReactNode;
  isFiltered?: boolean;
  clearFilters?: () => void;
  /** Between the toolbar and the table: what the rows add up to, say. */
  note?: ReactNode;
};

/** A table over rows that are all here, searched and paged without asking the service. */
export function SearchableTable<Row>({
  textOf,
  searchLabel,
  rows,
  empty,
  filters,
  isFiltered = false,
  clearFilters,
  note,
  ...table
}: SearchableTableProps<Row>) {
  const [search, setSearch] = useState("");
  const [wantedPage, setWantedPage] = useState(1);
  const [perPage, setPerPage] = useState(20);
  const deferredSearch = useDeferredValue(search);
  const found = useMemo(() => rows && matching(rows, deferredSearch, textOf), [rows, deferredSearch, textOf]);
  const { rows: shown, page } = pageOf(found ?? [], wantedPage, perPage);
  if (rows?.length === 0 && !isFiltered) {
    return <>{empty}</>;
  }
  const changeSearch = (text: string) => {
    setSearch(text);
    setWantedPage(1);
  };
  const clear = () => {
    changeSearch("");
    clearFilters?.();
  };

  return (
    <>
      <Toolbar>
        <ToolbarContent>
          <ToolbarItem className="dl-search">
            <SearchInput
              aria-label={searchLabel}
              placeholder={searchLabel}
              value={search}
              onChange={(_, text) => changeSearch(text)}
              onClear={() => changeSearch("")}
            />
          </ToolbarItem>
          {filters}
          <ToolbarItem variant="pagination" align={{ default: "alignEnd" }}>
            <Pagination
              isCompact
              itemCount={found?.length ?? 0}
              page={page}
              perPage={perPage}
              perPageOptions={PER_PAGE}
              onSetPage={(_, next) => setWantedPage(next)}
              onPerPageSelect={(_, next) => setPerPage(next)}
              titles={{ paginationAriaLabel: `Pages of ${table.label}` }}
            />
          </ToolbarItem>
        </ToolbarContent>
      </Toolbar>
      {note && <div className="dl-subtle dl-note">{note}</div>}
      <DataTable {...table} rows={found && shown} empty={<NothingFound clear={clear} />} />
    </>
  );
}
