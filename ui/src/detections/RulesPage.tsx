import { Button, Label, PageSection } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { listThreatRulesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { RuleRow } from "../api/generated/types.gen";
import { SeverityMark } from "../facts/Severity";
import { SEVERITIES } from "../facts/severities";
import { useMay } from "../session/session";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { DetectionsHead } from "./DetectionsHead";
import { detectionPath, parseDetectionQuery } from "./detectionQuery";
import { PolicyStanding } from "./PolicyStanding";
import { RULES_PATH, rulePath } from "./paths";
import { worstFirst } from "./rules";

/** Runtime > Detections > Threat Rules. */
export function RulesPage() {
  const mayChange = useMay("admin");
  const { data, error, refetch } = useQuery(listThreatRulesOptions());
  return (
    <>
      <DetectionsHead
        active={RULES_PATH}
        title="Threat Rules"
        description="What sensors look for in what containers do. Sensors hear of a change with their next heartbeat."
        actions={
          mayChange && (
            <Button component={(link) => <Link {...link} to={`${RULES_PATH}/new`} />}>New custom rule</Button>
          )
        }
      />
      <PageSection isFilled aria-label="Threat rules">
        <PolicyStanding />
        {error && !data ? (
          <Failure subject="the rules" error={error} retry={() => void refetch()} />
        ) : (
          <SearchableTable
            label="Threat rules"
            columns={COLUMNS}
            rows={data && worstFirst(data, SEVERITIES)}
            rowKey={(row) => row.id}
            searchLabel="Search rules"
            textOf={(row) => [row.id, row.title, row.tactic, ...row.techniques.map(({ id }) => id)].join(" ")}
            empty={<NothingYet title="There is no rule">This version of Deadlight brings none.</NothingYet>}
          />
        )}
      </PageSection>
    </>
  );
}

const EVERYTHING = parseDetectionQuery(new URLSearchParams("days=365"));

const COLUMNS: readonly Column<RuleRow>[] = [
  {
    title: "Severity",
    isNarrow: true,
    cell: (row) => (
      <>
        <SeverityMark severity={row.severity} />
        {row.own_severity && row.own_severity !== row.severity && (
          <div className="dl-subtle">came as {row.own_severity}</div>
        )}
      </>
    ),
  },
  {
    title: "Rule",
    width: 40,
    cell: (row) => (
      <>
        <Link to={rulePath(row.id)} className="dl-break">
          {row.title || row.id}
        </Link>
        <div className="dl-subtle dl-break">{row.id}</div>
      </>
    ),
  },
  {
    title: "MITRE ATT&CK",
    width: 20,
    cell: (row) => (
      <>
        {row.tactic}
        <div className="dl-subtle">{row.techniques.map(({ id }) => id).join(", ")}</div>
      </>
    ),
  },
  { title: "State", isNarrow: true, cell: (row) => <RuleState rule={row} /> },
  {
    title: "Detections",
    isNarrow: true,
    cell: (row) =>
      row.detections > 0 ? (
        <Link to={detectionPath(null, { ...EVERYTHING, rule: [row.id], shown: "all" })}>{row.detections}</Link>
      ) : (
        "0"
      ),
  },
];

/** Whether a rule holds and where it is from. */
export function RuleState({ rule }: { rule: RuleRow }) {
  return (
    <>
      {rule.problem ? (
        <Label isCompact status="danger">
          Cannot be used
        </Label>
      ) : rule.enabled ? (
        <Label isCompact status="success">
          Enabled
        </Label>
      ) : (
        <Label isCompact color="grey">
          Disabled
        </Label>
      )}{" "}
      {rule.origin === "custom" && (
        <Label isCompact variant="outline">
          {rule.replaces ? "Custom, instead of ours" : "Custom"}
        </Label>
      )}
    </>
  );
}
