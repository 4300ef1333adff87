import type { ReactNode } from "react";
import type { OwnerOut } from "../api/generated/types.gen";
import { type Message, mailto } from "./mailto";

interface ResponsibleProps {
  owner: OwnerOut | null;
  /** What to do where nobody is known. */
  unless: ReactNode;
  message?: Message;
}

/** Who is responsible for something, and every way to reach them. */
export function Responsible({ owner, unless, message }: ResponsibleProps) {
  if (owner === null) {
    return (
      <>
        <strong>Unknown</strong>
        <div className="dl-subtle">{unless}</div>
      </>
    );
  }
  const isNamed = owner.person && !owner.person.includes(owner.email);
  return (
    <div className="dl-break">
      {owner.team && <strong>{owner.team}</strong>}
      {(isNamed || !owner.email) && owner.person && <div>{owner.person}</div>}
      {owner.email && (
        <div>
          <a href={mailto(owner.email, message)}>{owner.email}</a>
        </div>
      )}
      {owner.slack && <div>Slack: {owner.slack}</div>}
      {owner.on_call && (
        <div>
          <a href={owner.on_call} target="_blank" rel="noreferrer">
            Who is on call
          </a>
        </div>
      )}
      <div className="dl-subtle">{owner.source}</div>
    </div>
  );
}
