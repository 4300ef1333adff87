import { NothingYet } from "../states/NothingYet";

/** Secrets and misconfigurations in the image: this version does not look for them, and says so. */
export function ExposuresTab() {
  return (
    <NothingYet title="Exposures are not scanned in this version">
      Secrets, and misconfigured services, applications and infrastructure files are not looked for yet. That nothing is
      listed here does not mean that the image has none.
    </NothingYet>
  );
}
