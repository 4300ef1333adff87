import { Button, EmptyState, EmptyStateBody, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { Link } from "react-router";

export function NotFound() {
  return (
    <PageSection isFilled>
      <title>Not found · Deadlight</title>
      <EmptyState titleText="There is no such page" headingLevel="h1" icon={SearchIcon}>
        <EmptyStateBody>The address may be mistyped, or from another version of Deadlight.</EmptyStateBody>
        <EmptyStateFooter>
          <Button component={(link) => <Link {...link} to="/" />}>Go to the dashboard</Button>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  );
}
