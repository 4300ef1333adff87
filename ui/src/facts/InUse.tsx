import { Label } from "@patternfly/react-core";

interface InUseProps {
  /** How strong the evidence is: executed, mapped or opened; null: not seen in use. */
  grade: string | null;
  path: string;
  process?: string;
  /** Of a package that was not seen in use: a program that opened its files, but not so that it proves a use. */
  readByTool?: string;
}

/** Whether a sensor saw a package in use, and by what. */
export function InUse({ grade, path, process, readByTool }: InUseProps) {
  if (grade === null) {
    return (
      <>
        <span className="dl-subtle">Not seen</span>
        {readByTool && <div className="dl-subtle">only opened by {readByTool}, which proves no use</div>}
      </>
    );
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
