import type { ReactNode } from "react";
import type { AttributionOut } from "../api/generated/types.gen";
import { findEmail } from "./email";

interface PersonProps {
  attribution: AttributionOut | null;
  /** How to get to know, where nobody is known. */
  unless: ReactNode;
  /** What a message to the person starts with. */
  message?: { subject: string; body: string };
}

/** Who built or deployed something, where that is known from, and how to reach them. */
export function Person({ attribution, unless, message }: PersonProps) {
  if (attribution === null) {
    return (
      <>
        <strong>Unknown</strong>
        <div className="dl-subtle">{unless}</div>
      </>
    );
  }
  const email = findEmail(attribution.value);
  return (
    <>
      {email ? <a href={mailto(email, message)}>{attribution.value}</a> : attribution.value}
      <div className="dl-subtle">
        {attribution.source}
        {attribution.link && (
          <>
            {" · "}
            <a href={attribution.link} target="_blank" rel="noreferrer">
              source
            </a>
          </>
        )}
        {attribution.revision && ` · revision ${attribution.revision.slice(0, 12)}`}
      </div>
    </>
  );
}

const LONGEST_MAIL = 1_600;

function mailto(address: string, message: PersonProps["message"]): string {
  const parameters = message
    ? `?subject=${encodeURIComponent(message.subject)}&body=${encodeURIComponent(shortened(message.body))}`
    : "";
  return `mailto:${encodeURIComponent(address).replace("%40", "@")}${parameters}`;
}

/** Mail programs cut long links anywhere, or refuse them: whole lines are left out instead. */
function shortened(body: string): string {
  const lines = body.split("\n");
  while (lines.length > 1 && encodeURIComponent(lines.join("\n")).length > LONGEST_MAIL) {
    lines.pop();
  }
  return lines.join("\n");
}
