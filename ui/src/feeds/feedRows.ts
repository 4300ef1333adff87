import type { FeedOut, FeedPart, FeedState } from "../api/generated/types.gen";

/** The address of the page. */
export const FEEDS = "/admin/feeds";

/** A line of the table: an ecosystem of a feed, or a whole one. */
export interface FeedRow {
  feed: FeedOut;
  part: string;
  state: FeedState;
  problem: string;
  records: number;
  succeededAt: string | null;
  nextAttemptAt: string | null;
  /** The first line of a feed has its name and its button. */
  isFirst: boolean;
}

export const STATE_NAMES: Record<FeedState, string> = {
  off: "Off",
  waiting: "Not fetched yet",
  refreshing: "Refreshing",
  current: "Current",
  failed: "Failed",
};

/** Feeds as lines, those with parts a line each. */
export function feedRows(feeds: readonly FeedOut[]): FeedRow[] {
  return feeds.flatMap((feed) => (feed.parts.length > 0 ? feed.parts : [wholeOf(feed)]).map(rowOf(feed)));
}

function wholeOf(feed: FeedOut): Omit<FeedPart, "bytes_received" | "failures" | "started_at" | "last_result"> {
  return { part: "", ...feed };
}

function rowOf(feed: FeedOut) {
  return (part: ReturnType<typeof wholeOf>, place: number): FeedRow => ({
    feed,
    part: part.part,
    state: part.state,
    problem: part.problem || (part.state === "off" ? feed.problem : ""),
    records: part.records,
    succeededAt: part.succeeded_at,
    nextAttemptAt: part.next_attempt_at,
    isFirst: place === 0,
  });
}

/** Whether there is anything to ask a feed for now. */
export function canRefresh(feed: FeedOut): boolean {
  return feed.state !== "off" && feed.parts.some((part) => part.state !== "refreshing");
}

/** How long to wait before the page is asked for again: soon while anything is under way. */
export function pauseMilliseconds(feeds: readonly FeedOut[] | undefined): number {
  return feeds?.some((feed) => feed.state === "refreshing") ? 2_000 : 15_000;
}
