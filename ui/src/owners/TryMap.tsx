import { ActionGroup, Button, Card, CardBody, CardHeader, CardTitle, Form, Label } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { tryOwnerRulesMutation } from "../api/generated/@tanstack/react-query.gen";
import type { CheckedRule, TrialOut } from "../api/generated/types.gen";
import { Responsible } from "../facts/Responsible";
import { Field } from "../forms/Field";
import { Refusal } from "../states/Notice";
import { parseLabels } from "./ruleDraft";

const NOTHING = { image: "", cluster: "", namespace: "", labels: "" };

/** Asks which rule matches something, and why. */
export function TryMap() {
  const [draft, setDraft] = useState(NOTHING);
  const trying = useMutation(tryOwnerRulesMutation());
  const set = (part: Partial<typeof NOTHING>) => setDraft({ ...draft, ...part });
  return (
    <Card component="section" aria-labelledby="try-title">
      <CardHeader>
        <CardTitle component="h2" id="try-title">
          Try it
        </CardTitle>
      </CardHeader>
      <CardBody>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            trying.mutate({ body: { ...draft, labels: parseLabels(draft.labels) } });
          }}
        >
          <Field
            id="try-image"
            label="Image"
            isCode
            value={draft.image}
            onChange={(image) => set({ image })}
            placeholder="registry.example.com/shop/web:1.0"
          />
          <Field id="try-cluster" label="Cluster" value={draft.cluster} onChange={(cluster) => set({ cluster })} />
          <Field
            id="try-namespace"
            label="Namespace"
            value={draft.namespace}
            onChange={(namespace) => set({ namespace })}
          />
          <Field
            id="try-labels"
            label="Labels"
            isCode
            value={draft.labels}
            onChange={(labels) => set({ labels })}
            placeholder="team=shop, tier=1"
            help="Of the workload or its namespace: key=value, several with commas."
          />
          <ActionGroup>
            <Button type="submit" variant="secondary" isLoading={trying.isPending} isDisabled={trying.isPending}>
              Who is responsible?
            </Button>
          </ActionGroup>
        </Form>
        <div className="dl-after" aria-live="polite">
          <Refusal title="That could not be tried" error={trying.error} />
          {trying.data && <Trial trial={trying.data} />}
        </div>
      </CardBody>
    </Card>
  );
}

function Trial({ trial }: { trial: TrialOut }) {
  return (
    <>
      <Responsible owner={trial.owner} unless={trial.explanation} />
      {trial.checked.length > 0 && (
        <ol className="dl-checked" aria-label="Rules that were compared">
          {trial.checked.map((rule) => (
            <Checked key={rule.id} rule={rule} />
          ))}
        </ol>
      )}
    </>
  );
}

function Checked({ rule }: { rule: CheckedRule }) {
  return (
    <li>
      Rule {rule.position}{" "}
      <Label isCompact status={rule.matches ? "success" : undefined}>
        {rule.matches ? "Matches" : "Does not match"}
      </Label>
      {rule.reasons.map((reason) => (
        <div key={reason} className="dl-subtle dl-break">
          {reason}
        </div>
      ))}
    </li>
  );
}
