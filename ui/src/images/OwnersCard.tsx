import { Button, Card, CardBody, CardFooter, CardHeader, CardTitle, DescriptionList } from "@patternfly/react-core";
import CopyIcon from "@patternfly/react-icons/dist/esm/icons/copy-icon";
import type { ImageTagDetail, WorkloadRow } from "../api/generated/types.gen";
import { copyText } from "../facts/copyText";
import { useToast } from "../shell/Toasts";
import { ImageOwners } from "./ImageOwners";
import { issueText, issueTitle } from "./issueText";

interface OwnersCardProps {
  image: ImageTagDetail;
  /** Undefined where they could not be loaded. */
  workloads: readonly WorkloadRow[] | undefined;
}

/** Who to turn to, and what to tell them. */
export function OwnersCard({ image, workloads }: OwnersCardProps) {
  const say = useToast();
  const body = issueText(image, workloads ?? [], window.location.href);
  const message = { subject: issueTitle(image), body };
  const copy = async () => {
    await copyText(body);
    say({ variant: "success", title: "Issue text copied", body: "Paste it into your tracking system." });
  };
  return (
    <Card isFullHeight component="section" aria-labelledby="owners-title">
      <CardHeader>
        <CardTitle component="h2" id="owners-title">
          Owners
        </CardTitle>
      </CardHeader>
      <CardBody>
        <DescriptionList isCompact>
          <ImageOwners imageTagId={image.id} message={message} />
        </DescriptionList>
      </CardBody>
      <CardFooter>
        <Button variant="secondary" icon={<CopyIcon />} onClick={() => void copy()}>
          Copy issue text
        </Button>
      </CardFooter>
    </Card>
  );
}
