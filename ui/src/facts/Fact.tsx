import { DescriptionListDescription, DescriptionListGroup, DescriptionListTerm } from "@patternfly/react-core";
import type { ReactNode } from "react";

interface FactProps {
  name: string;
  /** What the name is called elsewhere. */
  hint?: string;
  children: ReactNode;
}

/** A name and what it stands for, inside a description list. */
export function Fact({ name, hint, children }: FactProps) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm title={hint}>{name}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}
