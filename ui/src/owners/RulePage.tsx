import { PageSection, Skeleton } from "@patternfly/react-core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import {
  addOwnerRuleMutation,
  changeOwnerRuleMutation,
  listOwnerRulesOptions,
  listOwnerRulesQueryKey,
} from "../api/generated/@tanstack/react-query.gen";
import type { RuleOut } from "../api/generated/types.gen";
import { Problem } from "../api/problem";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { useSaved } from "../forms/useSaved";
import { PageHead } from "../shell/PageHead";
import { PageFailure } from "../states/PageFailure";
import { RuleForm } from "./RuleForm";
import { bodyOf, draftOf, NEW_RULE } from "./ruleDraft";

const ABOVE = { title: "Owners", path: "/admin/owners" };
const SAVED = { list: ABOVE.path, queryKey: listOwnerRulesQueryKey() };

export function NewRulePage() {
  const saved = useSaved({
    ...SAVED,
    title: "Rule added",
    body: "It is the last one: move it up where another would match first.",
  });
  const adding = useMutation({ ...addOwnerRuleMutation(), onSuccess: saved });
  return (
    <>
      <PageHead title="Add a rule" above={[ABOVE]} />
      <PageSection isFilled>
        <RuleForm
          isNew
          initial={NEW_RULE}
          isPending={adding.isPending}
          error={adding.error}
          save={(draft) => adding.mutate({ body: bodyOf(draft) })}
        />
      </PageSection>
    </>
  );
}

/** The service lists the rules and has none by itself, so the one meant is looked up in the list. */
export function RulePage() {
  const id = Number(useParams().ruleId);
  const { data, error, refetch } = useQuery(listOwnerRulesOptions());
  const rule = data?.find((item) => item.id === id);
  const missing = data && !rule ? new Problem(404, "not_found", "There is no such rule.") : null;
  const failure = data ? missing : error;
  if (failure) {
    return <PageFailure subject="this rule" error={failure} retry={() => void refetch()} list={ABOVE} />;
  }
  return (
    <>
      <PageHead
        title={rule ? `Rule ${rule.position}` : "Rule"}
        above={[ABOVE]}
        labels={<DemonstrationLabel isShown={rule?.demonstration ?? false} />}
      />
      <PageSection isFilled>
        {rule ? <ChangeRule rule={rule} /> : <Skeleton height="40rem" screenreaderText="Loading" />}
      </PageSection>
    </>
  );
}

function ChangeRule({ rule }: { rule: RuleOut }) {
  const saved = useSaved({ ...SAVED, title: "Rule saved", body: "New alerts go by it." });
  const changing = useMutation({ ...changeOwnerRuleMutation(), onSuccess: saved });
  return (
    <RuleForm
      isNew={false}
      initial={draftOf(rule)}
      isPending={changing.isPending}
      error={changing.error}
      save={(draft) => changing.mutate({ path: { rule_id: rule.id }, body: bodyOf(draft) })}
    />
  );
}
