import { Button, DescriptionList, Flex, PageSection, Skeleton, Switch } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import {
  addThreatRuleMutation,
  changeThreatRuleMutation,
  decideThreatRuleMutation,
  getThreatRuleOptions,
  getThreatRuleQueryKey,
  listThreatRulesQueryKey,
  removeThreatRuleMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { RuleDetail, Severity } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { SeverityMark } from "../facts/Severity";
import { SEVERITIES } from "../facts/severities";
import { Confirmation } from "../forms/Confirmation";
import { useSaved } from "../forms/useSaved";
import { useMay } from "../session/session";
import { PageHead } from "../shell/PageHead";
import { Notice, Refusal } from "../states/Notice";
import { PageFailure } from "../states/PageFailure";
import { OneSelect } from "../table/OneSelect";
import { RULES_PATH } from "./paths";
import { RuleState } from "./RulesPage";
import { FIRST_SOURCE } from "./rules";
import { Samples, SourceForm } from "./SourceForm";
import { TryRule } from "./TryRule";

const ABOVE = { title: "Threat Rules", path: RULES_PATH };
const SAVED = { list: RULES_PATH, queryKey: listThreatRulesQueryKey() };

/** Writes a custom rule. */
export function NewThreatRulePage() {
  const saved = useSaved({ ...SAVED, title: "Rule added", body: "Sensors get it with their next heartbeat." });
  const adding = useMutation({ ...addThreatRuleMutation(), onSuccess: saved });
  return (
    <>
      <PageHead
        title="New custom rule"
        above={[ABOVE]}
        description="A rule file (TOML). With the id of a built-in rule it holds instead of that one."
      />
      <PageSection isFilled>
        <SourceForm
          initial={FIRST_SOURCE}
          action="Add rule"
          isPending={adding.isPending}
          error={adding.error}
          save={(source) => adding.mutate({ body: { source } })}
        />
      </PageSection>
    </>
  );
}

/** One rule: what it looks for, what was decided about it and, of a custom one, its source. */
export function ThreatRulePage() {
  const ruleId = useParams().ruleId ?? "";
  const { data, error, refetch } = useQuery(getThreatRuleOptions({ path: { rule_id: ruleId } }));
  if (error && !data) {
    return <PageFailure subject="this rule" error={error} retry={() => void refetch()} list={ABOVE} />;
  }
  return (
    <>
      <PageHead
        title={data?.title || ruleId}
        above={[ABOVE]}
        labels={data && <RuleState rule={data} />}
        description={data?.description}
      />
      <PageSection isFilled>
        {data ? <Rule key={data.id} rule={data} /> : <Skeleton height="30rem" screenreaderText="Loading" />}
      </PageSection>
    </>
  );
}

function Rule({ rule }: { rule: RuleDetail }) {
  return (
    <div className="dl-part">
      {rule.problem && (
        <Notice variant="danger" title="Sensors do not use this rule">
          {rule.problem}
        </Notice>
      )}
      <Decision rule={rule} />
      <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "20ch" }}>
        <Fact name="Id">
          <code>{rule.id}</code>
        </Fact>
        <Fact name="Looks at">{rule.kinds.join(", ").replaceAll("_", " ") || "Nothing"}</Fact>
        {rule.techniques.length > 0 && (
          <Fact name="MITRE ATT&CK">
            {rule.tactic}
            {rule.techniques.map(({ id, link }) => (
              <div key={id}>
                <a href={link} target="_blank" rel="noreferrer">
                  {id}
                </a>
              </div>
            ))}
          </Fact>
        )}
        {rule.recommendation && <Fact name="What to do">{rule.recommendation}</Fact>}
        {rule.false_positives && <Fact name="Harmless, but the same">{rule.false_positives}</Fact>}
        {rule.changed_by && (
          <Fact name="Changed">
            {rule.changed_by}, <Moment at={rule.changed_at} />
          </Fact>
        )}
      </DescriptionList>
      {rule.origin === "custom" ? (
        <Source rule={rule} />
      ) : (
        <>
          <TryRule source={rule.source} />
          <Samples samples={rule.samples} />
        </>
      )}
    </div>
  );
}

/** Whether the rule holds, and what it is worth. */
function Decision({ rule }: { rule: RuleDetail }) {
  const mayChange = useMay("admin");
  const queryClient = useQueryClient();
  const deciding = useMutation({
    ...decideThreatRuleMutation(),
    onSuccess: (decided) => {
      queryClient.setQueryData(getThreatRuleQueryKey({ path: { rule_id: rule.id } }), decided);
      void queryClient.invalidateQueries({ queryKey: listThreatRulesQueryKey() });
    },
  });
  const own = rule.own_severity ?? "Unknown";
  const overridden = rule.severity !== own ? rule.severity : null;
  const decide = (enabled: boolean, severity: Severity | null) =>
    deciding.mutate({ path: { rule_id: rule.id }, body: { enabled, severity } });
  const options = SEVERITIES.filter((severity) => severity !== "Unknown").map((severity) => ({
    value: severity,
    label: severity === own ? `${severity} (its own)` : severity,
  }));
  if (!mayChange) {
    return <SeverityMark severity={rule.severity} />;
  }
  return (
    <>
      <Flex columnGap={{ default: "columnGapLg" }} alignItems={{ default: "alignItemsCenter" }}>
        <Switch
          id="enabled"
          label="Sensors use this rule"
          isChecked={rule.enabled}
          isDisabled={deciding.isPending}
          onChange={(_, enabled) => decide(enabled, overridden)}
        />
        <OneSelect
          label="Severity"
          options={options}
          chosen={rule.severity}
          choose={(severity) => decide(rule.enabled, severity === own ? null : (severity as Severity))}
        />
      </Flex>
      <Refusal title="The rule was not changed" error={deciding.error} />
    </>
  );
}

function Source({ rule }: { rule: RuleDetail }) {
  const mayChange = useMay("admin");
  const [isRemoving, setIsRemoving] = useState(false);
  const saved = useSaved({ ...SAVED, title: "Rule saved", body: "Sensors get it with their next heartbeat." });
  const changing = useMutation({ ...changeThreatRuleMutation(), onSuccess: saved });
  return (
    <>
      <SourceForm
        initial={rule.source}
        action="Save"
        isReadOnly={!mayChange}
        isPending={changing.isPending}
        error={changing.error}
        save={(source) => changing.mutate({ path: { rule_id: rule.id }, body: { source } })}
      />
      {mayChange && (
        <Button variant="danger" onClick={() => setIsRemoving(true)}>
          Remove this rule
        </Button>
      )}
      {isRemoving && <RemoveRule rule={rule} close={() => setIsRemoving(false)} />}
    </>
  );
}

function RemoveRule({ rule, close }: { rule: RuleDetail; close: () => void }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const removing = useMutation({
    ...removeThreatRuleMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listThreatRulesQueryKey() });
      void navigate(RULES_PATH);
    },
  });
  return (
    <Confirmation
      title={`Remove ${rule.id}?`}
      action="Remove"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { rule_id: rule.id } })}
      cancel={close}
    >
      {rule.replaces
        ? "The built-in rule of this id holds again."
        : "Sensors look for it no more. What it detected stays."}
    </Confirmation>
  );
}
