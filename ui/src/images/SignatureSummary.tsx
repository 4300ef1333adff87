import { Label } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { getImageTagAttestationsOptions } from "../api/generated/@tanstack/react-query.gen";
import { asProblem } from "../api/problem";
import { imagePath } from "./reference";
import { describeSignatures, signersOf } from "./signatures";

/** Whether an image is signed by somebody who is trusted, in one line; the page has waited for it. */
export function SignatureSummary({ imageTagId }: { imageTagId: number }) {
  const { data, error } = useQuery(getImageTagAttestationsOptions({ path: { image_tag_id: imageTagId } }));
  if (!data) {
    return asProblem(error).message;
  }
  const { name, status } = describeSignatures(data);
  return (
    <>
      <Label isCompact status={status}>
        {name}
      </Label>
      <div className="dl-subtle dl-break">
        {signersOf(data)} <Link to={`${imagePath(imageTagId)}/signatures`}>See Signatures</Link>
      </div>
    </>
  );
}
