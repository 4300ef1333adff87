import { Button, Label, List, ListItem } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { dryRunThreatRuleMutation } from "../api/generated/@tanstack/react-query.gen";
import type { RuleDryRun, TrialMatch, TrialSource } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { visible } from "../facts/visible";
import { useMay } from "../session/session";
import { Notice, Refusal } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { describeTrial } from "./trial";

/** Holds a rule, as it is written now, to what sensors reported in the last days. */
export function TryRule({ source }: { source: string }) {
  const mayTry = useMay("operator");
  const trying = useMutation(dryRunThreatRuleMutation());
  if (!mayTry) {
    return null;
  }
  const isOld = trying.variables?.body.source !== source;
  return (
    <div className="dl-part">
      <div>
        <Button
          variant="secondary"
          isLoading={trying.isPending}
          isDisabled={trying.isPending || source.trim() === ""}
          onClick={() => trying.mutate({ body: { source } })}
        >
          Try it on the last days
        </Button>
      </div>
      <Refusal title="The rule was not tried" error={trying.error} />
      {trying.data && !isOld && <Trial trial={trying.data} />}
    </div>
  );
}

function Trial({ trial }: { trial: RuleDryRun }) {
  if (trial.sources.length === 0) {
    return (
      <Notice variant="danger" title="The rule cannot be used">
        {trial.check.problem}
      </Notice>
    );
  }
  return (
    <>
      <Notice variant="info" title={describeTrial(trial)}>
        Reported since <Moment at={trial.since} />. Nothing was saved or sent.
        {trial.gaps.length > 0 && (
          <List>
            {trial.gaps.map((gap) => (
              <ListItem key={gap}>{gap}</ListItem>
            ))}
          </List>
        )}
      </Notice>
      <DataTable
        label="What the rule would have matched"
        columns={COLUMNS}
        rows={trial.sources.flatMap(({ shown }: TrialSource) => shown)}
        rowKey={(_, place) => String(place)}
        empty="Nothing that was reported matches."
      />
    </>
  );
}

const COLUMNS: readonly Column<TrialMatch>[] = [
  {
    title: "It",
    isNarrow: true,
    cell: (row) => (
      <Label isCompact status={row.perhaps ? undefined : "danger"}>
        {row.perhaps ? "perhaps matches" : "matches"}
      </Label>
    ),
  },
  {
    title: "What",
    width: 40,
    cell: (row) => (
      <>
        <code className="dl-break">{visible(row.command || row.program)}</code>
        <div className="dl-subtle dl-break">
          {row.kind} {row.file_path}
          {row.changed && ", not the image's own"}
        </div>
      </>
    ),
  },
  {
    title: "Where",
    width: 30,
    cell: (row) => (
      <>
        <span className="dl-break">{row.workload || "A container nobody knows"}</span>
        {row.containers > 1 && <div className="dl-subtle">and more: {row.containers} containers in all</div>}
      </>
    ),
  },
  {
    title: "Seen",
    isNarrow: true,
    cell: (row) => (
      <>
        <Moment at={row.last_at} isRelative />
        <div className="dl-subtle">{row.times === 1 ? "once" : `${row.times} times`}</div>
      </>
    ),
  },
];
