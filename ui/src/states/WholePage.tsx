import { Bullseye, Spinner } from "@patternfly/react-core";
import type { ReactNode } from "react";

/** The window before there is anything of the console in it: a note in its middle, or a sign that it is coming. */
export function WholePage({ children }: { children?: ReactNode }) {
  return (
    <main className="dl-whole-page">
      <Bullseye>{children || <Spinner aria-label="Loading the console" />}</Bullseye>
    </main>
  );
}
