import { PageSection } from "@patternfly/react-core";
import { useRouteError } from "react-router";
import { Failure } from "../states/Failure";

/** In place of a page that broke, or whose files are gone because the service was upgraded meanwhile. */
export function RouteFailure() {
  return (
    <PageSection isFilled>
      <Failure subject="this page" error={useRouteError()} retry={() => window.location.reload()} />
    </PageSection>
  );
}
