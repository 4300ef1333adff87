import { FormSection } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { RegistryDraft } from "./registryDraft";

export interface PartProps {
  draft: RegistryDraft;
  set: (part: Partial<RegistryDraft>) => void;
}

/** A titled part of the form on a registry. */
export function Part({ title, description, children }: { title: string; description: string; children: ReactNode }) {
  return (
    <FormSection title={title} titleElement="h2">
      <p className="dl-subtle">{description}</p>
      {children}
    </FormSection>
  );
}
