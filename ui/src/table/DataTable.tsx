import { Skeleton } from "@patternfly/react-core";
import { ExpandableRowContent, Table, Tbody, Td, Th, Thead, type ThProps, Tr } from "@patternfly/react-table";
import { type ReactNode, useState } from "react";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ReactNode;
  /** As narrow as its content, on one line. */
  isNarrow?: boolean;
  /** Per cent of the table's width; without it, by content. */
  width?: 10 | 15 | 20 | 25 | 30 | 35 | 40 | 45 | 50;
  /** The title is only for screen readers: a column of buttons, say. */
  isUntitled?: boolean;
  /** How the list is ordered by this column. */
  sort?: ThProps["sort"];
}

interface DataTableProps<Row> {
  /** What the rows are, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  /** Undefined while loading: the table shows as many grey rows as `expectedRows`. */
  rows: readonly Row[] | undefined;
  /** Tells a row from the others; `place` is for rows that can be alike. */
  rowKey: (row: Row, place: number) => string;
  /** In place of rows when there are none. */
  empty: ReactNode;
  expectedRows?: number;
  /** More about a row, shown below it on demand; undefined where there is no more. */
  details?: (row: Row) => ReactNode;
  isSelected?: (row: Row) => boolean;
}

export function DataTable<Row>({
  label,
  columns,
  rows,
  rowKey,
  empty,
  expectedRows = 8,
  details,
  isSelected,
}: DataTableProps<Row>) {
  const span = columns.length + (details ? 1 : 0);
  return (
    <Table
      aria-label={label}
      aria-busy={rows === undefined}
      variant="compact"
      gridBreakPoint=""
      isStickyHeader
      className="dl-table"
    >
      <Thead>
        <Tr>
          {details && <Th screenReaderText="More about the row" />}
          {columns.map((column) => (
            <Th
              key={column.title}
              width={column.width}
              modifier={column.isNarrow ? "fitContent" : "wrap"}
              screenReaderText={column.isUntitled ? column.title : undefined}
              sort={column.sort}
            >
              {column.isUntitled ? null : column.title}
            </Th>
          ))}
        </Tr>
      </Thead>
      {rows === undefined && <GreyRows count={expectedRows} span={span} />}
      {rows?.length === 0 && (
        <Tbody>
          <Tr>
            <Td colSpan={span}>{empty}</Td>
          </Tr>
        </Tbody>
      )}
      {rows && rows.length > 0 && (
        <Rows columns={columns} rows={rows} rowKey={rowKey} span={span} details={details} isSelected={isSelected} />
      )}
    </Table>
  );
}

function GreyRows({ count, span }: { count: number; span: number }) {
  return (
    <Tbody>
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same
        <Tr key={index}>
          <Td colSpan={span}>
            <Skeleton screenreaderText={index === 0 ? "Loading" : undefined} />
          </Td>
        </Tr>
      ))}
    </Tbody>
  );
}

type RowsProps<Row> = Pick<DataTableProps<Row>, "columns" | "rowKey" | "details" | "isSelected"> & {
  rows: readonly Row[];
  span: number;
};

function Rows<Row>({ columns, rows, rowKey, span, details, isSelected }: RowsProps<Row>) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  if (!details) {
    return (
      <Tbody>
        {rows.map((row, place) => (
          <Tr key={rowKey(row, place)} isRowSelected={isSelected?.(row)}>
            <Cells columns={columns} row={row} />
          </Tr>
        ))}
      </Tbody>
    );
  }
  return rows.map((row, rowIndex) => {
    const key = rowKey(row, rowIndex);
    const more = details(row);
    const isExpanded = open.has(key);
    const toggle = { rowIndex, isExpanded, onToggle: () => setOpen(toggled(open, key)), expandId: "more" };
    return (
      <Tbody key={key} isExpanded={isExpanded}>
        <Tr>
          <Td expand={more ? toggle : undefined} />
          <Cells columns={columns} row={row} />
        </Tr>
        {isExpanded && (
          <Tr isExpanded>
            <Td />
            <Td colSpan={span - 1}>
              <ExpandableRowContent>{more}</ExpandableRowContent>
            </Td>
          </Tr>
        )}
      </Tbody>
    );
  });
}

function Cells<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  return columns.map((column) => (
    <Td
      key={column.title}
      dataLabel={column.title}
      modifier={column.isNarrow ? "nowrap" : undefined}
      isActionCell={column.isUntitled}
    >
      {column.cell(row)}
    </Td>
  ));
}

function toggled(open: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(open);
  if (!next.delete(key)) {
    next.add(key);
  }
  return next;
}
