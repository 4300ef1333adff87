import {
  Button,
  InputGroup,
  InputGroupItem,
  TextInput,
  Toolbar,
  ToolbarContent,
  ToolbarFilter,
  ToolbarGroup,
  ToolbarItem,
  ToolbarToggleGroup,
} from "@patternfly/react-core";
import ArrowRightIcon from "@patternfly/react-icons/dist/esm/icons/arrow-right-icon";
import FilterIcon from "@patternfly/react-icons/dist/esm/icons/filter-icon";
import { type ReactNode, useState } from "react";
import { WINDOW_RISK_NAMES, WINDOW_RISKS } from "../facts/risks";
import { CheckboxSelect } from "../table/CheckboxSelect";
import { OneSelect } from "../table/OneSelect";
import { SearchField } from "../table/SearchField";
import type { ChangeQuery } from "./useWindowQuery";
import { type ListFilter, STATE_NAMES, STATES, toggleValue, type WindowQuery } from "./windowQuery";

interface WindowFiltersProps {
  query: WindowQuery;
  change: ChangeQuery;
  clear: () => void;
  /** How many windows meet the query; undefined while that is not known. */
  total: number | undefined;
}

const RISK_OPTIONS = WINDOW_RISKS.map((risk) => ({ value: risk, label: WINDOW_RISK_NAMES[risk] }));
const STATE_OPTIONS = STATES.map((state) => ({ value: state, label: STATE_NAMES[state] }));
const NAMED = [
  { value: "cluster", label: "Cluster" },
  { value: "namespace", label: "Namespace" },
  { value: "team", label: "Team" },
] as const;

export function WindowFilters({ query, change, clear, total }: WindowFiltersProps) {
  const toggle = (filter: ListFilter, value: string) => change((now) => toggleValue(now, filter, value));
  const labels = (filter: ListFilter, category: string, children: ReactNode, nameOf = (value: string) => value) => (
    <ToolbarFilter
      categoryName={{ key: filter, name: category }}
      labels={query[filter].map((value) => ({ key: value, node: nameOf(value) }))}
      deleteLabel={(_, label) => toggle(filter, typeof label === "string" ? label : label.key)}
      deleteLabelGroup={() => change((now) => ({ ...now, [filter]: [] }))}
    >
      {children}
    </ToolbarFilter>
  );
  const choice = (filter: "risk" | "state", label: string, options: readonly { value: string; label: string }[]) =>
    labels(
      filter,
      label,
      <CheckboxSelect
        label={label}
        options={options}
        chosen={query[filter]}
        toggle={(value) => toggle(filter, value)}
      />,
      (value) => options.find((option) => option.value === value)?.label ?? value,
    );

  return (
    <Toolbar clearAllFilters={clear} clearFiltersButtonText="Clear all filters">
      <ToolbarContent>
        <ToolbarToggleGroup toggleIcon={<FilterIcon />} breakpoint="lg">
          <ToolbarItem>
            <SearchField
              label="Search workloads"
              value={query.search}
              onChange={(search) => change((now) => ({ ...now, search }))}
            />
          </ToolbarItem>
          <ToolbarGroup variant="filter-group">
            {choice("risk", "Risk", RISK_OPTIONS)}
            {choice("state", "State", STATE_OPTIONS)}
            {labels(
              "cluster",
              "Cluster",
              <WholeName add={(filter, value) => !query[filter].includes(value) && toggle(filter, value)} />,
            )}
            {labels("namespace", "Namespace", null)}
            {labels("team", "Team", null)}
          </ToolbarGroup>
        </ToolbarToggleGroup>
        <ToolbarItem variant="pagination" align={{ default: "alignEnd" }} alignSelf="center">
          <strong aria-live="polite">
            {total === undefined ? "\u2007" : `${total} ${total === 1 ? "window" : "windows"}`}
          </strong>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}

type NamedFilter = (typeof NAMED)[number]["value"];

/** Filters by a whole name that the reader types. */
function WholeName({ add }: { add: (filter: NamedFilter, value: string) => void }) {
  const [filter, setFilter] = useState<NamedFilter>("cluster");
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
        <OneSelect
          label="Filter by"
          options={NAMED}
          chosen={filter}
          choose={(value) => setFilter(value as NamedFilter)}
        />
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
