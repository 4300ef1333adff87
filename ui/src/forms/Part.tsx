import { FormSection } from "@patternfly/react-core";
import type { ReactNode } from "react";

/** What a part of a form is given: the draft as it is, and how to change it. */
export interface PartProps<Draft> {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
}

/** A titled part of a form. */
export function Part({ title, description, children }: { title: string; description: string; children: ReactNode }) {
  return (
    <FormSection title={title} titleElement="h2">
      <p className="dl-subtle">{description}</p>
      {children}
    </FormSection>
  );
}
