import { Button, InputGroup, InputGroupItem, TextInput } from "@patternfly/react-core";
import ArrowRightIcon from "@patternfly/react-icons/dist/esm/icons/arrow-right-icon";
import { useState } from "react";
import { OneSelect } from "../table/OneSelect";

const NAMED = [
  { value: "cluster", label: "Cluster" },
  { value: "namespace", label: "Namespace" },
] as const;

type Named = (typeof NAMED)[number]["value"];

/** Filters by a whole name that the reader types. */
export function NameFilter({ add }: { add: (filter: Named, value: string) => void }) {
  const [filter, setFilter] = useState<Named>("cluster");
  const [text, setText] = useState("");
  const kind = NAMED.find(({ value }) => value === filter)?.label;
  const submit = () => {
    if (text.trim()) {
      add(filter, text.trim());
      setText("");
    }
  };
  return (
    <InputGroup>
      <InputGroupItem>
        <OneSelect label="Filter by" options={NAMED} chosen={filter} choose={(value) => setFilter(value as Named)} />
      </InputGroupItem>
      <InputGroupItem>
        <TextInput
          className="dl-name-filter"
          aria-label={`${kind} to filter by`}
          placeholder="Whole name"
          value={text}
          onChange={(_, value) => setText(value)}
          onKeyDown={(event) => event.key === "Enter" && submit()}
        />
      </InputGroupItem>
      <InputGroupItem>
        <Button variant="control" icon={<ArrowRightIcon />} aria-label={`Filter by this ${kind}`} onClick={submit} />
      </InputGroupItem>
    </InputGroup>
  );
}
