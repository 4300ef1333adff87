import { Button, InputGroup, InputGroupItem, TextInput } from "@patternfly/react-core";
import ArrowRightIcon from "@patternfly/react-icons/dist/esm/icons/arrow-right-icon";
import { useState } from "react";
import { OneSelect } from "../table/OneSelect";

type NamedFilter = "cluster" | "namespace" | "cve";

const OPTIONS = [
  { value: "cluster", label: "Cluster" },
  { value: "namespace", label: "Namespace" },
  { value: "cve", label: "CVE" },
];

/** Filters by a whole name that the reader types. */
export function NameFilter({ add }: { add: (filter: NamedFilter, value: string) => void }) {
  const [filter, setFilter] = useState<NamedFilter>("cluster");
  const [text, setText] = useState("");
  const kind = OPTIONS.find(({ value }) => value === filter)?.label;
  const submit = () => {
    const value = text.trim();
    if (value) {
      add(filter, filter === "cve" ? value.toUpperCase() : value);
      setText("");
    }
  };

  return (
    <InputGroup>
      <InputGroupItem>
        <OneSelect
          label="Filter by"
          options={OPTIONS}
          chosen={filter}
          choose={(value) => setFilter(value as NamedFilter)}
        />
      </InputGroupItem>
      <InputGroupItem>
        <TextInput
          className="dl-name-filter"
          aria-label={`${kind} to filter by`}
          placeholder={filter === "cve" ? "CVE-2024-3094" : "Whole name"}
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
