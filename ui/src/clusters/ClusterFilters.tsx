import { Button, Toolbar, ToolbarContent, ToolbarFilter, ToolbarGroup, ToolbarItem } from "@patternfly/react-core";
import type { ClustersOverview } from "../api/generated/types.gen";
import { CheckboxSelect } from "../table/CheckboxSelect";
import { SearchField } from "../table/SearchField";
import { CHOICES } from "./chosenColumns";
import { type ClusterQuery, isNarrowed, toggled } from "./clusterQuery";
import { CLUSTER_STATUSES, clusterLook } from "./health";

interface ClusterFiltersProps {
  query: ClusterQuery;
  change: (query: ClusterQuery) => void;
  overview: ClustersOverview;
  /** How many clusters meet the query. */
  found: number;
  columns: readonly string[];
  toggleColumn: (title: string) => void;
  chosen: number;
  chooseAll: () => void;
  chooseNone: () => void;
  configure: () => void;
}

const STATUSES = CLUSTER_STATUSES.map((status) => ({ value: status, label: clusterLook(status).name }));

export function ClusterFilters({ query, change, overview, found, ...more }: ClusterFiltersProps) {
  const providers = Object.keys(overview.by_provider).map((name) => ({ value: name, label: name }));
  const scanners = overview.coverage.map(({ scanner, label }) => ({ value: scanner, label }));
  return (
    <Toolbar
      clearAllFilters={() => change({ ...query, search: "", status: [], provider: [], withoutScanner: [] })}
      clearFiltersButtonText="Clear all filters"
    >
      <ToolbarContent>
        <ToolbarItem className="dl-search">
          <SearchField
            label="Search by name, provider, location or version"
            value={query.search}
            onChange={(search) => change({ ...query, search })}
          />
        </ToolbarItem>
        <ToolbarGroup variant="filter-group">
          <Filter
            name="Status"
            options={STATUSES}
            chosen={query.status}
            change={(status) => change({ ...query, status })}
          />
          <Filter
            name="Provider"
            options={providers}
            chosen={query.provider}
            change={(provider) => change({ ...query, provider })}
          />
          <Filter
            name="Without scanner"
            options={scanners}
            chosen={query.withoutScanner}
            change={(withoutScanner) => change({ ...query, withoutScanner })}
          />
        </ToolbarGroup>
        <ToolbarItem>
          <CheckboxSelect
            label="Columns"
            options={CHOICES.map((title) => ({ value: title, label: title }))}
            chosen={more.columns}
            toggle={more.toggleColumn}
          />
        </ToolbarItem>
      </ToolbarContent>
      <ToolbarContent>
        <ToolbarItem>
          <Button variant="secondary" isDisabled={more.chosen === 0} onClick={more.configure}>
            Batch Configure
          </Button>
        </ToolbarItem>
        <ToolbarItem alignSelf="center">
          <Button
            variant="link"
            isInline
            isDisabled={found === 0}
            onClick={more.chosen ? more.chooseNone : more.chooseAll}
          >
            {more.chosen ? "Select none" : "Select all"}
          </Button>
        </ToolbarItem>
        <ToolbarItem alignSelf="center">
          <span aria-live="polite">{more.chosen} selected</span>
        </ToolbarItem>
        <ToolbarItem variant="pagination" align={{ default: "alignEnd" }} alignSelf="center">
          <strong aria-live="polite">{counted(found, isNarrowed(query) ? overview.clusters : undefined)}</strong>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}

function counted(found: number, all: number | undefined): string {
  return all === undefined ? `${found} ${found === 1 ? "cluster" : "clusters"}` : `${found} of ${all} clusters`;
}

interface FilterProps<Value extends string> {
  name: string;
  options: readonly { value: Value; label: string }[];
  chosen: readonly Value[];
  change: (chosen: readonly Value[]) => void;
}

function Filter<Value extends string>({ name, options, chosen, change }: FilterProps<Value>) {
  const nameOf = (value: Value) => options.find((option) => option.value === value)?.label ?? value;
  return (
    <ToolbarFilter
      categoryName={name}
      labels={chosen.map((value) => ({ key: value, node: nameOf(value) }))}
      deleteLabel={(_, label) => change(toggled(chosen, (typeof label === "string" ? label : label.key) as Value))}
      deleteLabelGroup={() => change([])}
    >
      <CheckboxSelect
        label={name}
        options={options}
        chosen={chosen}
        toggle={(value) => change(toggled(chosen, value as Value))}
      />
    </ToolbarFilter>
  );
}
