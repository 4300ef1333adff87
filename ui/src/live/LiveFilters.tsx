import {
  MenuToggle,
  Select,
  SelectGroup,
  SelectList,
  SelectOption,
  Toolbar,
  ToolbarContent,
  ToolbarFilter,
  ToolbarGroup,
  ToolbarItem,
  ToolbarToggleGroup,
} from "@patternfly/react-core";
import FilterIcon from "@patternfly/react-icons/dist/esm/icons/filter-icon";
import { type ReactNode, useState } from "react";
import { SearchField } from "../table/SearchField";
import { type AskFacet, FacetSelect } from "./FacetSelect";
import { CATEGORIES, FILTERS, type FilterKey, filterOf } from "./filters";
import { type LiveQuery, toggleValue, withValues } from "./liveQuery";
import { useSearchKey } from "./searchKey";
import type { ChangeQuery } from "./useLiveQuery";

interface LiveFiltersProps {
  searchLabel: string;
  query: LiveQuery;
  changeQuery: ChangeQuery;
  clear: () => void;
  ask: AskFacet;
  /** Beside the filters, each an item: order, columns, export. */
  actions: readonly ReactNode[];
}

/** Search, a filter of any category, and what is chosen. */
export function LiveFilters({ searchLabel, query, changeQuery, clear, ask, actions }: LiveFiltersProps) {
  const [key, setKey] = useState<FilterKey>("severity");
  const search = useSearchKey();
  const toggle = (filter: FilterKey, value: string) => changeQuery((now) => toggleValue(now, filter, value));
  const chooser = (
    <ToolbarGroup variant="filter-group">
      <ToolbarItem>
        <FilterChoice chosen={key} choose={setKey} />
      </ToolbarItem>
      <ToolbarItem>
        <FacetSelect key={key} filter={filterOf(key)} query={query} ask={ask} toggle={(value) => toggle(key, value)} />
      </ToolbarItem>
    </ToolbarGroup>
  );

  return (
    <Toolbar clearAllFilters={clear} clearFiltersButtonText="Clear all filters">
      <ToolbarContent>
        <ToolbarToggleGroup toggleIcon={<FilterIcon />} breakpoint="lg">
          <ToolbarItem className="dl-search">
            <div ref={search}>
              <SearchField
                label={searchLabel}
                value={query.search}
                onChange={(text) => changeQuery((now) => ({ ...now, search: text }))}
              />
            </div>
          </ToolbarItem>
          {FILTERS.map((filter, place) => (
            <ToolbarFilter
              key={filter.key}
              categoryName={{ key: filter.key, name: filter.title }}
              labels={(query.values[filter.key] ?? []).map((value) => ({
                key: value,
                node: filter.nameOf?.(value) ?? value,
              }))}
              deleteLabel={(_, label) => toggle(filter.key, typeof label === "string" ? label : label.key)}
              deleteLabelGroup={() => changeQuery((now) => withValues(now, filter.key, []))}
              showToolbarItem={place === 0}
            >
              {place === 0 && chooser}
            </ToolbarFilter>
          ))}
        </ToolbarToggleGroup>
        <ToolbarGroup align={{ default: "alignEnd" }} variant="action-group">
          {actions.map((action, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: actions do not move
            <ToolbarItem key={place}>{action}</ToolbarItem>
          ))}
        </ToolbarGroup>
      </ToolbarContent>
    </Toolbar>
  );
}

/** Which filter to choose values of, by category. */
function FilterChoice({ chosen, choose }: { chosen: FilterKey; choose: (key: FilterKey) => void }) {
  const [isOpen, setIsOpen] = useState(false);
  const { title } = filterOf(chosen);
  return (
    <Select
      isOpen={isOpen}
      selected={chosen}
      onOpenChange={setIsOpen}
      onSelect={(_, value) => {
        choose(value as FilterKey);
        setIsOpen(false);
      }}
      shouldFocusToggleOnSelect
      isScrollable
      maxMenuHeight="28rem"
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          icon={<FilterIcon />}
          isExpanded={isOpen}
          aria-label={`Filter by: ${title}`}
          onClick={() => setIsOpen(!isOpen)}
        >
          {title}
        </MenuToggle>
      )}
    >
      {CATEGORIES.map((category) => (
        <SelectGroup key={category.title} label={category.title}>
          <SelectList aria-label={category.title}>
            {category.filters.map((filter) => (
              <SelectOption key={filter.key} value={filter.key}>
                {filter.title}
              </SelectOption>
            ))}
          </SelectList>
        </SelectGroup>
      ))}
    </Select>
  );
}
