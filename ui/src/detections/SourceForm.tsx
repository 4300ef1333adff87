import { ActionGroup, Button, Form, Label } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { checkThreatRuleMutation } from "../api/generated/@tanstack/react-query.gen";
import type { RuleCheck, SampleOut } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { Cancel } from "../forms/Cancel";
import { Field } from "../forms/Field";
import { Notice } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { RULES_PATH } from "./paths";
import { TryRule } from "./TryRule";

interface SourceFormProps {
  initial: string;
  /** The verb on the button. */
  action: string;
  isReadOnly?: boolean;
  isPending: boolean;
  error: unknown;
  save: (source: string) => void;
}

/** The source of a rule, which can be checked before it is saved. */
export function SourceForm({ initial, action, isReadOnly = false, isPending, error, save }: SourceFormProps) {
  const [source, setSource] = useState(initial);
  const checking = useMutation(checkThreatRuleMutation());
  const edit = (changed: string) => {
    setSource(changed);
    checking.reset();
  };
  const checked = checking.data;
  const refused = error ? asProblem(error).message : "";
  const mistake = checked ? checked.problem : refused;
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault();
        save(source);
      }}
    >
      <Field
        id="source"
        label="Rule"
        isCode
        lines={24}
        value={source}
        onChange={isReadOnly ? () => undefined : edit}
        mistake={mistake}
        help={
          <>
            Give it samples: a rule that does not say of its own samples what it should is refused. Fields and operators
            are in docs/user/threats.md; <code>deadlight rules show mount --source</code> prints a built-in rule to
            begin with.
          </>
        }
      />
      {checked?.usable && <Usable checked={checked} />}
      {checked && checked.samples.length > 0 && <Samples samples={checked.samples} />}
      {!isReadOnly && (
        <ActionGroup>
          <Button type="submit" isLoading={isPending} isDisabled={isPending || source.trim() === ""}>
            {action}
          </Button>
          <Button
            variant="secondary"
            isLoading={checking.isPending}
            isDisabled={checking.isPending || source.trim() === ""}
            onClick={() => checking.mutate({ body: { source } })}
          >
            Check
          </Button>
          <Cancel list={RULES_PATH} isChanged={source !== initial} />
        </ActionGroup>
      )}
      <TryRule source={source} />
    </Form>
  );
}

function Usable({ checked }: { checked: RuleCheck }) {
  return (
    <Notice variant="success" title={`${checked.id} can be used`}>
      {checked.replaces && "It will hold instead of the built-in rule of this id."}
    </Notice>
  );
}

const COLUMNS: readonly Column<SampleOut>[] = [
  { title: "Sample", width: 50, cell: (row) => row.says },
  { title: "Should", isNarrow: true, cell: (row) => (row.expected ? "match" : "not match") },
  {
    title: "Does",
    isNarrow: true,
    cell: (row) => (
      <Label isCompact status={row.matched === row.expected ? "success" : "danger"}>
        {row.matched ? "match" : "not match"}
      </Label>
    ),
  },
];

/** What a rule says of its own samples. */
export function Samples({ samples }: { samples: readonly SampleOut[] }) {
  return (
    <DataTable
      label="Samples"
      columns={COLUMNS}
      rows={samples}
      rowKey={(row, place) => `${row.says} ${place}`}
      empty="The rule has no samples."
    />
  );
}
