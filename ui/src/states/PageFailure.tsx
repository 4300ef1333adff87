import { Button, PageSection } from "@patternfly/react-core";
import type { ComponentProps } from "react";
import { Link } from "react-router";
import { Failure } from "./Failure";

type PageFailureProps = Omit<ComponentProps<typeof Failure>, "headingLevel" | "children"> & {
  /** Where the things of this kind are listed. */
  list: { title: string; path: string };
};

/** In place of the page of one thing that could not be loaded, with a way back to the others. */
export function PageFailure({ list, ...failure }: PageFailureProps) {
  return (
    <PageSection isFilled>
      <title>{`${list.title} · Deadlight`}</title>
      <Failure {...failure} headingLevel="h1">
        <Button variant="link" component={(link) => <Link {...link} to={list.path} />}>
          {list.title}
        </Button>
      </Failure>
    </PageSection>
  );
}
