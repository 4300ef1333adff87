import { Button, Label, PageSection } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import {
  listRegistriesOptions,
  listRegistriesQueryKey,
  removeRegistryMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { RegistryOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Confirmation } from "../forms/Confirmation";
import { useMay } from "../session/session";
import { PageHead } from "../shell/PageHead";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { type Column, DataTable } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { LastAsked } from "./LastAsked";
import { countImages, describeWebhooks, type Trust, trustOf } from "./registryStanding";
import { TestRegistry } from "./TestRegistry";

type Task = { name: "test" | "remove"; registry: RegistryOut };

/** Administration > Registries. */
export function RegistriesPage() {
  const mayChange = useMay("admin");
  const { data, error, refetch } = useQuery(listRegistriesOptions());
  const [task, setTask] = useState<Task | null>(null);
  const end = () => setTask(null);
  const add = mayChange && (
    <Button component={(link) => <Link {...link} to="/admin/registries/new" />}>Add registry</Button>
  );

  return (
    <>
      <PageHead
        title="Registries"
        description="Where running images come from. Images of trusted registries are compared with them and scanned."
        actions={add}
      />
      <PageSection isFilled aria-label="Registries">
        {error && !data ? (
          <Failure subject="the registries" error={error} retry={() => void refetch()} />
        ) : (
          <DataTable
            label="Registries"
            columns={mayChange ? [...COLUMNS, actionsColumn(setTask)] : COLUMNS}
            rows={data}
            rowKey={(row) => String(row.id)}
            empty={
              <NothingYet title="No registry has been added yet" actions={add}>
                Until one is, every running image counts as from an untrusted registry. Add the registries your images
                come from.
              </NothingYet>
            }
          />
        )}
      </PageSection>
      {task?.name === "test" && <TestRegistry registry={task.registry} close={end} />}
      {task?.name === "remove" && <RemoveRegistry registry={task.registry} close={end} />}
    </>
  );
}

const TRUST_STATUS: Record<Trust, "success" | "info" | "warning"> = {
  Trusted: "success",
  "Partly trusted": "info",
  Untrusted: "warning",
};

const COLUMNS: readonly Column<RegistryOut>[] = [
  {
    title: "Name",
    width: 20,
    cell: (row) => (
      <>
        <RegistryName registry={row} /> <DemonstrationLabel isShown={row.demonstration} />
      </>
    ),
  },
  { title: "Host", width: 20, cell: (row) => row.host },
  {
    title: "Trust",
    isNarrow: true,
    cell: (row) => (
      <Label isCompact status={TRUST_STATUS[trustOf(row)]}>
        {trustOf(row)}
      </Label>
    ),
  },
  { title: "Checked", isNarrow: true, cell: (row) => (row.trusted ? countImages(row.images) : "–") },
  { title: "Webhooks", width: 15, cell: (row) => describeWebhooks(row) },
  { title: "Last asked", width: 25, cell: (row) => <LastAsked registry={row} /> },
];

function RegistryName({ registry }: { registry: RegistryOut }) {
  return useMay("admin") ? <Link to={`/admin/registries/${registry.id}`}>{registry.name}</Link> : registry.name;
}

function actionsColumn(setTask: (task: Task) => void): Column<RegistryOut> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (row) => <RegistryActions registry={row} setTask={setTask} />,
  };
}

function RegistryActions({ registry, setTask }: { registry: RegistryOut; setTask: (task: Task) => void }) {
  const navigate = useNavigate();
  return (
    <RowActions
      subject={registry.name}
      actions={[
        { title: "Edit", act: () => void navigate(`/admin/registries/${registry.id}`) },
        { title: "Test connection", act: () => setTask({ name: "test", registry }) },
        { title: "Remove", act: () => setTask({ name: "remove", registry }), isDanger: true },
      ]}
    />
  );
}

function RemoveRegistry({ registry, close }: { registry: RegistryOut; close: () => void }) {
  const queryClient = useQueryClient();
  const removing = useMutation({
    ...removeRegistryMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listRegistriesQueryKey() });
      close();
    },
  });
  return (
    <Confirmation
      title={`Remove ${registry.name}?`}
      action="Remove"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { registry_id: registry.id } })}
      cancel={close}
    >
      Its stored credentials are deleted. Running images from {registry.host} will count as from an untrusted registry.
    </Confirmation>
  );
}
