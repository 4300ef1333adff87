import { Button, Flex, Grid, GridItem, PageSection } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import {
  listOwnerRulesOptions,
  listOwnerRulesQueryKey,
  orderOwnerRulesMutation,
  removeOwnerRuleMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { RuleOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Confirmation } from "../forms/Confirmation";
import { useMay } from "../session/session";
import { PageHead } from "../shell/PageHead";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { Refusal } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { CarryMap } from "./CarryMap";
import { moved, patternsOf } from "./ruleDraft";
import { TryMap } from "./TryMap";

/** Administration > Owners. */
export function OwnersPage() {
  const mayChange = useMay("operator");
  const { data, error, refetch } = useQuery(listOwnerRulesOptions());
  const [removed, setRemoved] = useState<RuleOut | null>(null);
  const [isCarrying, setIsCarrying] = useState(false);
  const order = useOrder();
  const add = <Button component={(link) => <Link {...link} to="/admin/owners/new" />}>Add rule</Button>;
  const carry = (
    <Button variant="secondary" onClick={() => setIsCarrying(true)}>
      {mayChange ? "Import or export" : "Export"}
    </Button>
  );
  const move = (id: number, places: number) =>
    order.mutate({ body: { ids: moved(data?.map((rule) => rule.id) ?? [], id, places) } });
  const columns = mayChange ? [...COLUMNS, actionsColumn(data?.length ?? 0, move, setRemoved)] : COLUMNS;

  return (
    <>
      <PageHead
        title="Owners"
        description="Who is responsible for what runs. The first rule that matches counts; alerts, exposure windows and image pages go by it."
        actions={
          <Flex columnGap={{ default: "columnGapSm" }}>
            {carry}
            {mayChange && add}
          </Flex>
        }
      />
      <PageSection isFilled>
        <Refusal title="The order was not changed" error={order.error} />
        <Grid hasGutter>
          <GridItem xl={8}>
            {error && !data ? (
              <Failure subject="the owners map" error={error} retry={() => void refetch()} />
            ) : (
              <DataTable
                label="Owners map"
                columns={columns}
                rows={data}
                rowKey={(rule) => String(rule.id)}
                expectedRows={5}
                empty={
                  <NothingYet title="The owners map has no rule yet" actions={mayChange && add}>
                    Without one, whoever annotations of workloads and namespaces name is responsible, and else whoever
                    built the image. Add a rule for each team: by namespace, say.
                  </NothingYet>
                }
              />
            )}
          </GridItem>
          <GridItem xl={4}>
            <TryMap />
          </GridItem>
        </Grid>
      </PageSection>
      {removed && <RemoveRule rule={removed} close={() => setRemoved(null)} />}
      {isCarrying && <CarryMap mayImport={mayChange} close={() => setIsCarrying(false)} />}
    </>
  );
}

const COLUMNS: readonly Column<RuleOut>[] = [
  { title: "No.", isNarrow: true, cell: (rule) => rule.position },
  { title: "What it is about", width: 30, cell: (rule) => <Patterns rule={rule} /> },
  { title: "Owner", width: 20, cell: (rule) => <Names rule={rule} /> },
  { title: "How to reach them", width: 35, cell: (rule) => <Ways rule={rule} /> },
];

function Patterns({ rule }: { rule: RuleOut }) {
  const patterns = patternsOf(rule);
  return patterns.length === 0
    ? "Everything"
    : patterns.map(({ name, pattern }) => (
        <div key={name}>
          {name} <code className="dl-break">{pattern}</code>
        </div>
      ));
}

function Names({ rule }: { rule: RuleOut }) {
  const name = rule.team || rule.person || rule.email;
  return (
    <>
      <span className="dl-break">
        {useMay("operator") ? <Link to={`/admin/owners/${rule.id}`}>{name}</Link> : name}
      </span>{" "}
      <DemonstrationLabel isShown={rule.demonstration ?? false} />
      {rule.team && rule.person && <div className="dl-break">{rule.person}</div>}
    </>
  );
}

function Ways({ rule }: { rule: RuleOut }) {
  return (
    <>
      {rule.email && (
        <div className="dl-break">
          <a href={`mailto:${encodeURIComponent(rule.email).replace("%40", "@")}`}>{rule.email}</a>
        </div>
      )}
      {rule.slack && <div className="dl-break">Slack: {rule.slack}</div>}
      {rule.on_call && (
        <a href={rule.on_call} target="_blank" rel="noreferrer">
          Who is on call
        </a>
      )}
    </>
  );
}

function actionsColumn(
  count: number,
  move: (id: number, places: number) => void,
  remove: (rule: RuleOut) => void,
): Column<RuleOut> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (rule) => <RuleActions rule={rule} count={count} move={move} remove={remove} />,
  };
}

interface RuleActionsProps {
  rule: RuleOut;
  count: number;
  move: (id: number, places: number) => void;
  remove: (rule: RuleOut) => void;
}

function RuleActions({ rule, count, move, remove }: RuleActionsProps) {
  const navigate = useNavigate();
  const isFirst = rule.position === 1;
  const isLast = rule.position === count;
  return (
    <RowActions
      subject={`rule ${rule.position}`}
      actions={[
        { title: "Edit", act: () => void navigate(`/admin/owners/${rule.id}`) },
        ...(isFirst
          ? []
          : [
              { title: "Move up", act: () => move(rule.id, -1) },
              { title: "Move to the top", act: () => move(rule.id, -count) },
            ]),
        ...(isLast ? [] : [{ title: "Move down", act: () => move(rule.id, 1) }]),
        { title: "Remove", act: () => remove(rule), isDanger: true },
      ]}
    />
  );
}

function useOrder() {
  const queryClient = useQueryClient();
  return useMutation({
    ...orderOwnerRulesMutation(),
    onSettled: () => queryClient.invalidateQueries({ queryKey: listOwnerRulesQueryKey() }),
  });
}

function RemoveRule({ rule, close }: { rule: RuleOut; close: () => void }) {
  const queryClient = useQueryClient();
  const removing = useMutation({
    ...removeOwnerRuleMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listOwnerRulesQueryKey() });
      close();
    },
  });
  return (
    <Confirmation
      title={`Remove rule ${rule.position}?`}
      action="Remove"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { rule_id: rule.id } })}
      cancel={close}
    >
      What it was about belongs to the next rule that matches, if there is one.
    </Confirmation>
  );
}
