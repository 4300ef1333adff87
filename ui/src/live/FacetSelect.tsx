import {
  Badge,
  Divider,
  MenuSearch,
  MenuSearchInput,
  MenuToggle,
  SearchInput,
  Select,
  SelectGroup,
  SelectList,
  SelectOption,
} from "@patternfly/react-core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import type { FacetValues } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import type { Filter, FilterKey } from "./filters";
import type { LiveQuery } from "./liveQuery";

/** Asks the service for the values of a filter that contain a text, within the other filters. */
export type AskFacet = (key: FilterKey, query: LiveQuery, text: string, signal: AbortSignal) => Promise<FacetValues>;

interface FacetSelectProps {
  filter: Filter;
  query: LiveQuery;
  ask: AskFacet;
  toggle: (value: string) => void;
}

/** A choice of any of a filter's values: searched by the service, with how many rows each would leave. */
export function FacetSelect({ filter, query, ask, toggle }: FacetSelectProps) {
  const [isOpen, setIsOpen] = useState(false);
  const [text, setText] = useState("");
  const asked = useDeferredValue(text.trim());
  const found = useQuery({
    queryKey: ["facet", filter.key, { ...query, view: null, order: "" }, asked],
    queryFn: ({ signal }) => ask(filter.key, query, asked, signal),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  });
  const chosen = query.values[filter.key] ?? [];
  const nameOf = filter.nameOf ?? ((value: string) => value);
  const open = (next: boolean) => {
    setIsOpen(next);
    setText("");
  };

  return (
    <Select
      role="menu"
      isOpen={isOpen}
      onOpenChange={open}
      onSelect={(_, value) => toggle(String(value))}
      isScrollable
      maxMenuHeight="24rem"
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          isExpanded={isOpen}
          onClick={() => open(!isOpen)}
          badge={chosen.length > 0 ? <Badge isRead>{chosen.length}</Badge> : undefined}
          aria-label={`Choose by ${filter.title}`}
          className="dl-facet"
        >
          Choose…
        </MenuToggle>
      )}
    >
      <MenuSearch>
        <MenuSearchInput>
          <SearchInput
            aria-label={`Search ${filter.title}`}
            placeholder={filter.takesText ? "Type a part of it" : "Search"}
            value={text}
            onChange={(_, typed) => setText(typed)}
            onClear={() => setText("")}
          />
        </MenuSearchInput>
      </MenuSearch>
      <Divider />
      <SelectGroup>
        <SelectList aria-label={filter.title}>
          {found.data?.values.map(({ value, count }) => (
            <SelectOption
              key={value}
              value={value}
              hasCheckbox
              isSelected={chosen.includes(value)}
              description={count === null ? undefined : `${count} ${count === 1 ? "image" : "images"}`}
            >
              {nameOf(value)}
            </SelectOption>
          ))}
          <Closing filter={filter} text={asked} found={found.data} error={found.error} isLoading={found.isPending} />
        </SelectList>
      </SelectGroup>
    </Select>
  );
}

interface ClosingProps {
  filter: Filter;
  text: string;
  found: FacetValues | undefined;
  error: unknown;
  isLoading: boolean;
}

/** What follows the values: that there are more or none, or the typed text as a value of its own. */
function Closing({ filter, text, found, error, isLoading }: ClosingProps) {
  if (error) {
    return <SelectOption isDisabled>{asProblem(error).message}</SelectOption>;
  }
  if (isLoading) {
    return <SelectOption isLoading>Loading</SelectOption>;
  }
  const isOffered = found?.values.some(({ value }) => value === text);
  if (filter.takesText && text && !isOffered) {
    const value = filter.key === "cve" ? text.toUpperCase() : text;
    return <SelectOption value={value}>{`Filter by “${value}”`}</SelectOption>;
  }
  if (found?.more) {
    return <SelectOption isDisabled>There are more: type a part of the one you want</SelectOption>;
  }
  return found?.values.length === 0 ? <SelectOption isDisabled>None within the other filters</SelectOption> : null;
}
