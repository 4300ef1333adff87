import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";

/** Nothing of what is there meets the search and filters. */
export function NothingFound({ clear }: { clear: () => void }) {
  return (
    <EmptyState variant="sm" titleText="Nothing matches" headingLevel="h2" icon={SearchIcon}>
      <EmptyStateBody>Nothing meets this search and these filters. Loosen or clear them.</EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          <Button variant="link" onClick={clear}>
            Clear search and filters
          </Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}
