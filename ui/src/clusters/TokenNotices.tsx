import { StackItem } from "@patternfly/react-core";
import { Link } from "react-router";
import type { RegistrationTokenInfo } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { Notice } from "../states/Notice";
import { TOKENS_PATH } from "./clusterPath";
import { namesOf, tokensToRenew } from "./tokenState";

/** Registration tokens in use that end within three months, or have ended; nothing where there is none. */
export function TokenNotices({ tokens }: { tokens: readonly RegistrationTokenInfo[] }) {
  return tokensToRenew(tokens).map((token) => {
    const isOver = token.state === "expired";
    return (
      <StackItem key={token.id}>
        <Notice
          variant={isOver ? "danger" : "warning"}
          title={`The registration token of ${namesOf(token)} ${isOver ? "has expired" : "expires soon"}`}
        >
          {isOver ? "It expired" : "It expires"} on <Moment at={token.expires_at} />. New nodes and restarted
          controllers cannot enrol without a valid one. <Link to={TOKENS_PATH}>Replace it</Link> and install the agents
          again.
        </Notice>
      </StackItem>
    );
  });
}
