import { Divider, Dropdown, DropdownGroup, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  listSavedViewsOptions,
  listSavedViewsQueryKey,
  removeSavedViewMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { SavedViewOut, ViewPage } from "../api/generated/types.gen";
import { Confirmation } from "../forms/Confirmation";
import { useSession } from "../session/session";
import { describeView, type LiveQuery, parseLiveQuery } from "./liveQuery";
import { SaveView } from "./SaveView";
import type { ChangeQuery } from "./useLiveQuery";

interface SavedViewsProps {
  page: ViewPage;
  orders: readonly string[];
  query: LiveQuery;
  changeQuery: ChangeQuery;
}

type Task = "add" | "change" | "remove" | null;

/** The menu of named sets of filters; the address says which one is open. */
export function SavedViews({ page, orders, query, changeQuery }: SavedViewsProps) {
  const [isOpen, setIsOpen] = useState(false);
  const [task, setTask] = useState<Task>(null);
  const { role } = useSession();
  const views = useQuery(listSavedViewsOptions({ query: { page } }));
  const current = views.data?.find(({ id }) => id === query.view);
  const isChanged = current !== undefined && current.query !== describeView(query);
  const open = (view: SavedViewOut) =>
    changeQuery(() => ({ ...parseLiveQuery(new URLSearchParams(view.query), orders), view: view.id }));
  const listed = (title: string, rows: readonly SavedViewOut[]) =>
    rows.length > 0 && (
      <DropdownGroup label={title}>
        <DropdownList>
          {rows.map((view) => (
            <DropdownItem
              key={view.id}
              isSelected={view.id === query.view}
              description={view.is_mine ? undefined : `Shared by ${view.owner}`}
              onClick={() => open(view)}
            >
              {view.name}
            </DropdownItem>
          ))}
        </DropdownList>
      </DropdownGroup>
    );

  return (
    <>
      <Dropdown
        isOpen={isOpen}
        onOpenChange={setIsOpen}
        onSelect={() => setIsOpen(false)}
        isScrollable
        maxMenuHeight="28rem"
        popperProps={{ position: "right" }}
        shouldFocusFirstItemOnOpen
        toggle={(ref) => (
          <MenuToggle ref={ref} isExpanded={isOpen} onClick={() => setIsOpen(!isOpen)} className="dl-view">
            {current ? `View: ${current.name}${isChanged ? " (changed)" : ""}` : "Saved views"}
          </MenuToggle>
        )}
      >
        {listed("My views", views.data?.filter(({ is_mine }) => is_mine) ?? [])}
        {listed("Shared with everyone", views.data?.filter(({ is_mine }) => !is_mine) ?? [])}
        {views.data && views.data.length > 0 && <Divider />}
        <DropdownList>
          <DropdownItem onClick={() => setTask("add")}>Save these filters as a view…</DropdownItem>
          {current?.is_mine && (
            <DropdownItem onClick={() => setTask("change")}>
              {isChanged ? "Save the changes, rename or share…" : "Rename or share…"}
            </DropdownItem>
          )}
          {current && (current.is_mine || role === "admin") && (
            <DropdownItem isDanger onClick={() => setTask("remove")}>
              Delete this view…
            </DropdownItem>
          )}
        </DropdownList>
      </Dropdown>
      {(task === "add" || (task === "change" && current)) && (
        <SaveView
          page={page}
          view={task === "change" ? current : undefined}
          query={describeView(query)}
          close={() => setTask(null)}
          saved={(view) => changeQuery((now) => ({ ...now, view }))}
        />
      )}
      {task === "remove" && current && (
        <RemoveView
          view={current}
          page={page}
          close={() => setTask(null)}
          removed={() => changeQuery((now) => ({ ...now, view: null }))}
        />
      )}
    </>
  );
}

interface RemoveViewProps {
  view: SavedViewOut;
  page: ViewPage;
  close: () => void;
  removed: () => void;
}

function RemoveView({ view, page, close, removed }: RemoveViewProps) {
  const queryClient = useQueryClient();
  const removing = useMutation({
    ...removeSavedViewMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listSavedViewsQueryKey({ query: { page } }) });
      removed();
      close();
    },
  });
  return (
    <Confirmation
      title={`Delete the view ${view.name}?`}
      action="Delete"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { view_id: view.id } })}
      cancel={close}
    >
      {view.shared ? "It is shared: everyone loses it. " : ""}The filters that are open now stay.
    </Confirmation>
  );
}
