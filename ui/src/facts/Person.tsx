import { ExpandableSection } from "@patternfly/react-core";
import { Fragment, type ReactNode } from "react";
import type { AttributionOut, ClaimOut } from "../api/generated/types.gen";
import { ConfidenceLabel } from "./ConfidenceLabel";
import { findEmail } from "./email";
import { Moment } from "./Moment";
import { type Message, mailto } from "./mailto";

interface PersonProps {
  attribution: AttributionOut | null;
  /** How to get to know, where nobody is known. */
  unless: ReactNode;
  /** What a message to the person starts with. */
  message?: Message;
}

/** Who built or deployed something, where that is known from, how to reach them, and what other sources say. */
export function Person({ attribution, unless, message }: PersonProps) {
  if (attribution === null) {
    return (
      <>
        <strong>Unknown</strong>
        <div className="dl-subtle">{unless}</div>
      </>
    );
  }
  const { others } = attribution;
  return (
    <>
      <Claim claim={attribution} message={message} />
      {others.length > 0 && (
        <ExpandableSection
          className="dl-others"
          toggleText={others.length === 1 ? "1 other source" : `${others.length} other sources`}
        >
          {others.map((claim) => (
            <div key={`${claim.source} ${claim.value}`} className="dl-after">
              <Claim claim={claim} message={message} />
            </div>
          ))}
        </ExpandableSection>
      )}
    </>
  );
}

function Claim({ claim, message }: { claim: ClaimOut; message: Message | undefined }) {
  const email = findEmail(claim.value);
  return (
    <>
      <span className="dl-break">{email ? <a href={mailto(email, message)}>{claim.value}</a> : claim.value}</span>{" "}
      <ConfidenceLabel confidence={claim.confidence} />
      {claim.detail && <div className="dl-break">{claim.detail}</div>}
      <div className="dl-subtle dl-break">
        {circumstances(claim).map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one claim never move
          <Fragment key={index}>
            {index > 0 && " · "}
            {part}
          </Fragment>
        ))}
      </div>
    </>
  );
}

/** Where it is known from, and what else is: a place to look, a revision, a time. */
function circumstances(claim: ClaimOut): ReactNode[] {
  const link = claim.link && (
    <a href={claim.link} target="_blank" rel="noreferrer">
      source
    </a>
  );
  const revision = claim.revision && `revision ${shortened(claim.revision)}`;
  const at = claim.at && <Moment isRelative at={claim.at} />;
  return [claim.source, link, revision, at].filter(Boolean);
}

/** Commits are told by their first characters; what is not one is told whole. */
function shortened(revision: string): string {
  return /^[0-9a-f]{20,}$/.test(revision) ? revision.slice(0, 12) : revision;
}
