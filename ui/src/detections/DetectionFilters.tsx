import {
  Toolbar,
  ToolbarContent,
  ToolbarFilter,
  ToolbarGroup,
  ToolbarItem,
  ToolbarToggleGroup,
} from "@patternfly/react-core";
import FilterIcon from "@patternfly/react-icons/dist/esm/icons/filter-icon";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { listThreatRulesOptions } from "../api/generated/@tanstack/react-query.gen";
import { SEVERITIES } from "../facts/severities";
import { CheckboxSelect } from "../table/CheckboxSelect";
import type { Option } from "../table/OneSelect";
import { SearchField } from "../table/SearchField";
import {
  type DetectionQuery,
  type ListFilter,
  RESPONSE_NAMES,
  RESPONSES,
  STATUS_NAMES,
  STATUSES,
  toggleValue,
} from "./detectionQuery";
import { NameFilter } from "./NameFilter";
import type { ChangeQuery } from "./useDetectionQuery";

interface DetectionFiltersProps {
  query: DetectionQuery;
  change: ChangeQuery;
  clear: () => void;
  /** How many detections meet the query, and how many more are suppressed; undefined while that is not known. */
  total: number | undefined;
  suppressed: number | undefined;
}

const SEVERITY_OPTIONS = SEVERITIES.map((value) => ({ value, label: value }));
const STATUS_OPTIONS = STATUSES.map((value) => ({ value, label: STATUS_NAMES[value] }));
const RESPONSE_OPTIONS = RESPONSES.map((value) => ({ value, label: RESPONSE_NAMES[value] }));

export function DetectionFilters({ query, change, clear, total, suppressed }: DetectionFiltersProps) {
  const rules = useQuery(listThreatRulesOptions());
  const ruleOptions = rules.data?.map(({ id, title }) => ({ value: id, label: title || id })) ?? [];
  const toggle = (filter: ListFilter, value: string) => change((now) => toggleValue(now, filter, value));
  const labels = (filter: ListFilter, category: string, options: readonly Option[], children: ReactNode) => (
    <ToolbarFilter
      categoryName={{ key: filter, name: category }}
      labels={query[filter].map((value) => ({
        key: value,
        node: options.find((option) => option.value === value)?.label ?? value,
      }))}
      deleteLabel={(_, label) => toggle(filter, typeof label === "string" ? label : label.key)}
      deleteLabelGroup={() => change((now) => ({ ...now, [filter]: [] }))}
    >
      {children}
    </ToolbarFilter>
  );
  const choice = (filter: ListFilter, label: string, options: readonly Option[]) =>
    labels(
      filter,
      label,
      options,
      <CheckboxSelect
        label={label}
        options={options}
        chosen={query[filter]}
        toggle={(value) => toggle(filter, value)}
      />,
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
            {choice("severity", "Severity", SEVERITY_OPTIONS)}
            {choice("status", "Status", STATUS_OPTIONS)}
            {choice("response", "Response", RESPONSE_OPTIONS)}
            {choice("rule", "Rule", ruleOptions)}
            {labels(
              "cluster",
              "Cluster",
              [],
              <NameFilter add={(filter, value) => !query[filter].includes(value) && toggle(filter, value)} />,
            )}
            {labels("namespace", "Namespace", [], null)}
            {labels("repository", "Image", [], null)}
          </ToolbarGroup>
        </ToolbarToggleGroup>
        <ToolbarItem variant="pagination" align={{ default: "alignEnd" }} alignSelf="center">
          <strong aria-live="polite">{total === undefined ? "\u2007" : counted(total, suppressed ?? 0, query)}</strong>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}

/** How many there are; what exceptions hide is never hidden altogether. */
function counted(total: number, suppressed: number, query: DetectionQuery): string {
  const said = `${total} ${total === 1 ? "detection" : "detections"}`;
  return query.shown === "visible" && suppressed > 0 ? `${said}, ${suppressed} more suppressed` : said;
}
