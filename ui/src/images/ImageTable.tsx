import { ExpandableRowContent, Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import type { ImageRow } from "../api/generated/types.gen";
import type { LiveQuery } from "../live/liveQuery";
import type { SteadyRows } from "../live/steadyRows";
import { type Column, DataTable } from "../table/DataTable";
import { ImageTags } from "./ImageTags";

interface ImageTableProps {
  columns: readonly Column<ImageRow>[];
  /** Undefined while loading. */
  rows: SteadyRows<ImageRow>["rows"] | undefined;
  query: LiveQuery;
  /** In place of rows when there are none. */
  empty: ReactNode;
}

/** Images, each of which opens to its tags. */
export function ImageTable({ columns, rows, query, empty }: ImageTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  if (rows === undefined || rows.length === 0) {
    return (
      <DataTable label="Images" columns={columns} rows={rows && []} rowKey={() => ""} expectedRows={15} empty={empty} />
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
      aria-label="Images"
      variant="compact"
      gridBreakPoint=""
      isStickyHeader
      className="dl-table"
      onKeyDown={(event) => steer(event, set)}
    >
      <Thead>
        <Tr>
          <Th screenReaderText="Tags of the image" />
          {columns.map(({ title, width, isNarrow }) => (
            <Th key={title} width={width} modifier={isNarrow ? "fitContent" : "wrap"}>
              {title}
            </Th>
          ))}
        </Tr>
      </Thead>
      {rows.map(({ key, row, isGone }, rowIndex) => {
        const isExpanded = open.has(key);
        return (
          <Tbody key={key} isExpanded={isExpanded} className={isGone ? "dl-gone" : undefined}>
            <Tr data-image={key}>
              <Td
                expand={{
                  rowIndex,
                  isExpanded,
                  onToggle: () => set(key, !isExpanded),
                  expandId: "tags-of-image",
                }}
              />
              {columns.map(({ title, isNarrow, cell }, place) => (
                <Td key={title} dataLabel={title} modifier={isNarrow ? "nowrap" : undefined}>
                  {cell(row)}
                  {isGone && place === 0 && <div className="dl-subtle">No longer in this list</div>}
                </Td>
              ))}
            </Tr>
            {isExpanded && (
              <Tr isExpanded>
                <Td colSpan={columns.length + 1}>
                  <ExpandableRowContent>
                    <ImageTags image={key} query={query} />
                  </ExpandableRowContent>
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
  const row = toggle?.closest<HTMLElement>("tr[data-image]");
  const key = row?.dataset.image;
  if (!toggle || !row || key === undefined) {
    return;
  }
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    set(key, event.key === "ArrowRight");
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const toggles = [
      ...event.currentTarget.querySelectorAll<HTMLElement>("tr[data-image] .pf-v6-c-table__toggle button"),
    ];
    toggles[toggles.indexOf(toggle as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else {
    return;
  }
  event.preventDefault();
}
