import { useSearchParams } from "react-router";

export interface Filters {
  /** The values chosen of a filter; none: it does not narrow. */
  chosen: (name: string) => readonly string[];
  toggle: (name: string, value: string) => void;
  clear: () => void;
  isActive: boolean;
}

/** What a table is narrowed by, kept in the address, so that it can be sent around. */
export function useFilters(names: readonly string[]): Filters {
  const [parameters, setParameters] = useSearchParams();
  const change = (edit: (changed: URLSearchParams) => void) => {
    const changed = new URLSearchParams(parameters);
    edit(changed);
    setParameters(changed, { replace: true, preventScrollReset: true });
  };
  return {
    chosen: (name) => parameters.getAll(name),
    toggle: (name, value) =>
      change((changed) => (changed.has(name, value) ? changed.delete(name, value) : changed.append(name, value))),
    clear: () => change((changed) => names.forEach((name) => void changed.delete(name))),
    isActive: names.some((name) => parameters.has(name)),
  };
}
