import { absolute, relative } from "./moment";

/** A point in time in the reader's time zone; hovering shows UTC. */
export function Moment({ at, isRelative = false }: { at: string | null | undefined; isRelative?: boolean }) {
  if (!at) {
    return <>Never</>;
  }
  const moment = new Date(at);
  return (
    <time dateTime={at} title={isRelative ? absolute(moment) : moment.toUTCString()}>
      {isRelative ? relative(moment, new Date()) : absolute(moment)}
    </time>
  );
}
