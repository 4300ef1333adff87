import { ExpandableRowContent, Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { type Column, DataTable } from "../table/DataTable";
import type { SteadyRows } from "./steadyRows";

interface SteadyTableProps<Row> {
  /** What the rows are, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  /** Undefined while loading. */
  rows: SteadyRows<Row>["rows"] | undefined;
  /** In place of rows when there are none. */
  empty: ReactNode;
  /** What a row opens to, and what that is called; rows without do not open. */
  details?: { label: string; of: (key: string, row: Row) => ReactNode };
}

/** The rows of a list that changes by itself, each of which may open. */
export function SteadyTable<Row>({ label, columns, rows, empty, details }: SteadyTableProps<Row>) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  if (rows === undefined || rows.length === 0) {
    return (
      <DataTable label={label} columns={columns} rows={rows && []} rowKey={() => ""} expectedRows={15} empty={empty} />
    );
  }
  const set = (key: string, isOpen: boolean) => {
    const next = new Set(open);
    if (isOpen) {
      next.add(key);
    } else {
      next.delete(key);
    }
    setOpen(next);
  };

  return (
    <Table
      aria-label={label}
      variant="compact"
      gridBreakPoint=""
      isStickyHeader
      className="dl-table"
      onKeyDown={(event) => steer(event, set)}
    >
      <Thead>
        <Tr>
          {details && <Th screenReaderText={details.label} />}
          {columns.map(({ title, width, isNarrow }) => (
            <Th key={title} width={width} modifier={isNarrow ? "fitContent" : "wrap"}>
              {title}
            </Th>
          ))}
        </Tr>
      </Thead>
      {rows.map(({ key, row, isGone }, rowIndex) => {
        const isExpanded = open.has(key);
        const toggle = { rowIndex, isExpanded, onToggle: () => set(key, !isExpanded), expandId: "details-of" };
        return (
          <Tbody key={key} isExpanded={isExpanded} className={isGone ? "dl-gone" : undefined}>
            <Tr data-row={key}>
              {details && <Td expand={toggle} />}
              {columns.map(({ title, isNarrow, cell }, place) => (
                <Td key={title} dataLabel={title} modifier={isNarrow ? "nowrap" : undefined}>
                  {cell(row)}
                  {isGone && place === 0 && <div className="dl-subtle">No longer in this list</div>}
                </Td>
              ))}
            </Tr>
            {details && isExpanded && (
              <Tr isExpanded>
                <Td colSpan={columns.length + 1}>
                  <ExpandableRowContent>{details.of(key, row)}</ExpandableRowContent>
                </Td>
              </Tr>
            )}
          </Tbody>
        );
      })}
    </Table>
  );
}

/** Arrow keys on a row's toggle: right and left open and close it, up and down go to the next one. */
function steer(event: KeyboardEvent<HTMLElement>, set: (key: string, isOpen: boolean) => void): void {
  const toggle = event.target instanceof Element ? event.target.closest(".pf-v6-c-table__toggle button") : null;
  const row = toggle?.closest<HTMLElement>("tr[data-row]");
  const key = row?.dataset.row;
  if (!toggle || !row || key === undefined) {
    return;
  }
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    set(key, event.key === "ArrowRight");
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const toggles = [
      ...event.currentTarget.querySelectorAll<HTMLElement>("tr[data-row] .pf-v6-c-table__toggle button"),
    ];
    toggles[toggles.indexOf(toggle as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else {
    return;
  }
  event.preventDefault();
}
