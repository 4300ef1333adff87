import { Label } from "@patternfly/react-core";
import type { RegistryOut } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";

/** When a registry was asked last, and what kept it from answering. */
export function LastAsked({ registry }: { registry: RegistryOut }) {
  if (!registry.trusted) {
    return <span className="dl-subtle">Not asked: untrusted</span>;
  }
  return (
    <>
      <Moment isRelative at={registry.asked_at} />
      {registry.problem && (
        <div>
          <Label isCompact status="danger">
            Problem
          </Label>{" "}
          <span className="dl-subtle">{registry.problem}</span>
        </div>
      )}
    </>
  );
}
