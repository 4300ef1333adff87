import { Button, CodeBlock, CodeBlockCode, ExpandableSection, List, ListItem } from "@patternfly/react-core";
import type { EventTypeOut } from "../api/generated/types.gen";
import { Field } from "../forms/Field";
import { CRITERIA_EXAMPLES } from "./criteriaExamples";

interface CriteriaFieldProps {
  value: string;
  onChange: (criteria: string) => void;
  mistake: string | undefined;
  /** The event whose sample shows what criteria can ask about. */
  sample: EventTypeOut | undefined;
}

/** A CEL expression, with examples to start from and a sample to look at. */
export function CriteriaField({ value, onChange, mistake, sample }: CriteriaFieldProps) {
  return (
    <div>
      <Field
        id="criteria"
        label="Criteria"
        isCode
        lines={3}
        value={value}
        onChange={onChange}
        mistake={mistake}
        placeholder='event.data.workload.namespace == "shop"'
        help="An expression in CEL that says true or false about one event. Empty: every event of the chosen kinds."
      />
      <ExpandableSection toggleText="Examples">
        <List isPlain>
          {CRITERIA_EXAMPLES.map(({ title, criteria }) => (
            <ListItem key={title}>
              {title}: <code>{criteria}</code>{" "}
              <Button
                variant="link"
                isInline
                onClick={() => onChange(criteria)}
                aria-label={`Use the example: ${title}`}
              >
                Use
              </Button>
            </ListItem>
          ))}
        </List>
      </ExpandableSection>
      {sample && (
        <ExpandableSection toggleText={`What event holds: a sample of ${sample.name}`}>
          <CodeBlock>
            <CodeBlockCode>{JSON.stringify({ type: sample.name, data: sample.sample }, null, 2)}</CodeBlockCode>
          </CodeBlock>
        </ExpandableSection>
      )}
    </div>
  );
}
