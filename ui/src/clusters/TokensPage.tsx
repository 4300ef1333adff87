import { Button, Label, PageSection, Stack, StackItem } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { HEALTH_INTERVAL_MILLISECONDS } from "../api/clusters";
import { listRegistrationTokensOptions } from "../api/generated/@tanstack/react-query.gen";
import type { RegistrationTokenInfo } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { SearchableTable } from "../table/SearchableTable";
import { ClustersHead } from "./ClustersHead";
import { clusterPath, TOKENS_PATH } from "./clusterPath";
import { CreateToken, ReplaceToken, RevokeToken } from "./TokenDialogs";
import { TokenNotices } from "./TokenNotices";
import { tokenLook } from "./tokenState";

type Task = { name: "create" } | { name: "revoke" | "replace"; token: RegistrationTokenInfo };

/** Runtime > Cluster Management > Registration Tokens. */
export function TokensPage() {
  const [task, setTask] = useState<Task | null>(null);
  const { data, error, refetch } = useQuery({
    ...listRegistrationTokensOptions(),
    refetchInterval: HEALTH_INTERVAL_MILLISECONDS,
  });
  const close = () => setTask(null);
  const create = <Button onClick={() => setTask({ name: "create" })}>Create token</Button>;
  return (
    <>
      <ClustersHead active={TOKENS_PATH} actions={create} />
      <PageSection isFilled aria-label="Registration tokens">
        {error && !data ? (
          <Failure subject="the registration tokens" error={error} retry={() => void refetch()} />
        ) : (
          <Stack hasGutter>
            <TokenNotices tokens={data ?? []} />
            <StackItem>
              <SearchableTable
                label="Registration tokens"
                searchLabel="Search by name, cluster or state"
                columns={[...COLUMNS, actionsColumn(setTask)]}
                rows={data}
                rowKey={(row) => String(row.id)}
                textOf={textOf}
                empty={
                  <NothingYet title="No registration token yet" actions={create}>
                    Agents enrol with a registration token, which is good for two years; then each has a key of its own.
                    Installing Runtime in a cluster makes one by itself.
                  </NothingYet>
                }
              />
            </StackItem>
          </Stack>
        )}
      </PageSection>
      {task?.name === "create" && <CreateToken close={close} />}
      {task?.name === "replace" && <ReplaceToken token={task.token} close={close} />}
      {task?.name === "revoke" && <RevokeToken token={task.token} close={close} />}
    </>
  );
}

function textOf(token: RegistrationTokenInfo): string {
  const clusters = token.clusters.map(({ name }) => name);
  return [token.name, token.cluster_name, token.created_by, tokenLook(token.state).name, ...clusters].join(" ");
}

const COLUMNS: readonly Column<RegistrationTokenInfo>[] = [
  {
    title: "Name",
    width: 20,
    cell: (row) => (
      <>
        {row.name}
        {row.created_by && <div className="dl-subtle">by {row.created_by}</div>}
      </>
    ),
  },
  {
    title: "State",
    isNarrow: true,
    cell: (row) => (
      <Label isCompact status={tokenLook(row.state).status}>
        {tokenLook(row.state).name}
      </Label>
    ),
  },
  { title: "Good for", cell: (row) => row.cluster_name || "Any cluster without a token of its own" },
  { title: "Clusters enrolled", cell: (row) => <Clusters token={row} /> },
  { title: "Created", cell: (row) => <Moment at={row.created_at} /> },
  { title: "Expires", cell: (row) => <Moment at={row.expires_at} /> },
  { title: "Last used", isNarrow: true, cell: (row) => <Moment isRelative at={row.last_used_at} /> },
];

function Clusters({ token }: { token: RegistrationTokenInfo }) {
  if (token.clusters.length === 0) {
    return <>–</>;
  }
  return token.clusters.map(({ id, name }) => (
    <div key={id}>
      <Link to={clusterPath(id)}>{name}</Link>
    </div>
  ));
}

function actionsColumn(setTask: (task: Task) => void): Column<RegistrationTokenInfo> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (token) =>
      token.state === "revoked" ? null : (
        <RowActions
          subject={token.name}
          actions={[
            { title: "Replace", act: () => setTask({ name: "replace", token }) },
            { title: "Revoke", act: () => setTask({ name: "revoke", token }), isDanger: true },
          ]}
        />
      ),
  };
}
