import {
  Toolbar,
  ToolbarContent,
  ToolbarFilter,
  ToolbarGroup,
  ToolbarItem,
  ToolbarToggleGroup,
} from "@patternfly/react-core";
import FilterIcon from "@patternfly/react-icons/dist/esm/icons/filter-icon";
import type { ReactNode } from "react";
import { RISK_NAMES, RISKS } from "../facts/risks";
import { SEVERITIES } from "../facts/severities";
import { CheckboxSelect } from "../table/CheckboxSelect";
import { SearchField } from "../table/SearchField";
import { type ImageQuery, type ListFilter, toggleValue } from "./imageQuery";
import { NameFilter } from "./NameFilter";
import type { ChangeQuery } from "./useImageQuery";

interface ImageFiltersProps {
  query: ImageQuery;
  changeQuery: ChangeQuery;
  clear: () => void;
  /** How many image tags meet the query; undefined while that is not known. */
  total: number | undefined;
}

const RISK_OPTIONS = RISKS.map((risk) => ({ value: risk, label: RISK_NAMES[risk] }));
const SEVERITY_OPTIONS = SEVERITIES.map((severity) => ({ value: severity, label: severity }));

export function ImageFilters({ query, changeQuery, clear, total }: ImageFiltersProps) {
  const toggle = (filter: ListFilter, value: string) => changeQuery((now) => toggleValue(now, filter, value));
  const labels = (filter: ListFilter, category: string, children: ReactNode, nameOf = (value: string) => value) => (
    <ToolbarFilter
      categoryName={{ key: filter, name: category }}
      labels={query[filter].map((value) => ({ key: value, node: nameOf(value) }))}
      deleteLabel={(_, label) => toggle(filter, typeof label === "string" ? label : label.key)}
      deleteLabelGroup={() => changeQuery((now) => ({ ...now, [filter]: [] }))}
    >
      {children}
    </ToolbarFilter>
  );

  return (
    <Toolbar clearAllFilters={clear} clearFiltersButtonText="Clear all filters">
      <ToolbarContent>
        <ToolbarToggleGroup toggleIcon={<FilterIcon />} breakpoint="lg">
          <ToolbarItem>
            <SearchField
              label="Search images"
              value={query.search}
              onChange={(search) => changeQuery((now) => ({ ...now, search }))}
            />
          </ToolbarItem>
          <ToolbarGroup variant="filter-group">
            {labels(
              "risk",
              "Risk",
              <CheckboxSelect
                label="Risk"
                options={RISK_OPTIONS}
                chosen={query.risk}
                toggle={(value) => toggle("risk", value)}
              />,
              (value) => RISK_OPTIONS.find((option) => option.value === value)?.label ?? value,
            )}
            {labels(
              "severity",
              "Severity",
              <CheckboxSelect
                label="Severity"
                options={SEVERITY_OPTIONS}
                chosen={query.severity}
                toggle={(value) => toggle("severity", value)}
              />,
            )}
            {labels(
              "cluster",
              "Cluster",
              <NameFilter add={(filter, value) => !query[filter].includes(value) && toggle(filter, value)} />,
            )}
            {labels("namespace", "Namespace", null)}
            {labels("cve", "CVE", null)}
          </ToolbarGroup>
        </ToolbarToggleGroup>
        <ToolbarItem variant="pagination" align={{ default: "alignEnd" }} alignSelf="center">
          <strong aria-live="polite">
            {total === undefined ? "\u2007" : `${total} image ${total === 1 ? "tag" : "tags"}`}
          </strong>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}
