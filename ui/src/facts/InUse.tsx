import { Label } from "@patternfly/react-core";

interface InUseProps {
  /** How strong the evidence is: executed, mapped or opened; null: not seen in use. */
  grade: string | null;
  path: string;
  process?: string;
}

/** Whether a sensor saw a package in use, and by what. */
export function InUse({ grade, path, process }: InUseProps) {
  if (grade === null) {
    return <span className="dl-subtle">Not seen</span>;
  }
  return (
    <>
      <Label isCompact color="purple">
        {grade}
      </Label>
      <div className="dl-evidence">
        {path}
        {process && ` by ${process}`}
      </div>
    </>
  );
}
