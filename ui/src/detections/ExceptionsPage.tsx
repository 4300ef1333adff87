import { Button, Checkbox, Label, PageSection, Toolbar, ToolbarContent, ToolbarItem } from "@patternfly/react-core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import {
  endDetectionExceptionMutation,
  listDetectionExceptionsOptions,
} from "../api/generated/@tanstack/react-query.gen";
import type { ExceptionOut } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { Confirmation } from "../forms/Confirmation";
import { useMay } from "../session/session";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { type Column, DataTable } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { DetectionsHead } from "./DetectionsHead";
import { ExceptionDialog } from "./ExceptionDialog";
import { newDraft, PATTERNS } from "./exceptionDraft";
import { EXCEPTIONS_PATH } from "./paths";
import { useRefresh } from "./useRefresh";

/** Runtime > Detections > Exceptions. */
export function ExceptionsPage() {
  const mayChange = useMay("operator");
  const [ended, setEnded] = useState(false);
  const [isAdding, setIsAdding] = useState(false);
  const [ending, setEnding] = useState<ExceptionOut | null>(null);
  const { data, error, refetch } = useQuery(listDetectionExceptionsOptions({ query: { ended } }));
  const add = mayChange && <Button onClick={() => setIsAdding(true)}>Add exception</Button>;
  return (
    <>
      <DetectionsHead
        active={EXCEPTIONS_PATH}
        title="Exceptions"
        description="What nobody is to be troubled with, until a day and for a reason. It is still reported, counted and kept."
        actions={add}
      />
      <PageSection isFilled aria-label="Exceptions">
        <Toolbar>
          <ToolbarContent>
            <ToolbarItem alignSelf="center">
              <Checkbox
                id="ended"
                label="Those that have ended, too"
                isChecked={ended}
                onChange={(_, checked) => setEnded(checked)}
              />
            </ToolbarItem>
          </ToolbarContent>
        </Toolbar>
        {error && !data ? (
          <Failure subject="the exceptions" error={error} retry={() => void refetch()} />
        ) : (
          <DataTable
            label="Exceptions"
            columns={mayChange ? [...COLUMNS, actionsColumn(setEnding)] : COLUMNS}
            rows={data}
            rowKey={(row) => String(row.id)}
            expectedRows={4}
            empty={
              <NothingYet title="There is no exception" actions={add}>
                Every detection alerts whoever listens. Where something is expected, a debugging shell in a toolbox say,
                add an exception from the detection itself: it begins as narrow as that.
              </NothingYet>
            }
          />
        )}
      </PageSection>
      {isAdding && <ExceptionDialog initial={newDraft(new Date())} close={() => setIsAdding(false)} />}
      {ending && <EndException exception={ending} close={() => setEnding(null)} />}
    </>
  );
}

const COLUMNS: readonly Column<ExceptionOut>[] = [
  {
    title: "What it is about",
    width: 35,
    cell: (row) => (
      <>
        {PATTERNS.filter(({ name }) => row[name]).map(({ name, label }) => (
          <div key={name}>
            {label} <code className="dl-break">{row[name]}</code>
          </div>
        ))}
      </>
    ),
  },
  {
    title: "Reason",
    width: 25,
    cell: (row) => (
      <>
        <span className="dl-break">{row.reason}</span>
        <div className="dl-subtle">
          {row.created_by}, <Moment at={row.created_at} isRelative />
        </div>
      </>
    ),
  },
  {
    title: "Until",
    isNarrow: true,
    cell: (row) =>
      row.active ? (
        <Moment at={row.until} />
      ) : (
        <>
          <Label isCompact>Ended</Label> <Moment at={row.ended_at ?? row.until} />
          {row.ended_by && <div className="dl-subtle">by {row.ended_by}</div>}
        </>
      ),
  },
  {
    title: "Suppresses",
    isNarrow: true,
    cell: (row) => (
      <>
        {row.detections} {row.detections === 1 ? "detection" : "detections"}
        <div className="dl-subtle">seen {row.times === 1 ? "once" : `${row.times} times`}</div>
      </>
    ),
  },
];

function actionsColumn(end: (exception: ExceptionOut) => void): Column<ExceptionOut> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (row) =>
      row.active && (
        <RowActions
          subject={`exception ${row.id}`}
          actions={[{ title: "End now", isDanger: true, act: () => end(row) }]}
        />
      ),
  };
}

function EndException({ exception, close }: { exception: ExceptionOut; close: () => void }) {
  const refresh = useRefresh();
  const ending = useMutation({
    ...endDetectionExceptionMutation(),
    onSuccess: async () => {
      close();
      await refresh();
    },
  });
  return (
    <Confirmation
      title="End this exception?"
      action="End"
      isPending={ending.isPending}
      error={ending.error}
      confirm={() => ending.mutate({ path: { exception_id: exception.id } })}
      cancel={close}
    >
      What it suppresses is listed again at once, and alerts when it happens again. The exception stays on record.
    </Confirmation>
  );
}
