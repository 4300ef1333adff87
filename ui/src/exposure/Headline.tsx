import { Card, CardBody, CardHeader, CardTitle, Grid, GridItem, Skeleton } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { ExposureStatistics, Spread } from "../api/generated/types.gen";
import { elapsed } from "../facts/moment";
import { lengthOf } from "./timeline";
import { type WindowQuery, windowPath } from "./windowQuery";

const STEPS: readonly { name: string; of: (statistics: ExposureStatistics) => Spread }[] = [
  { name: "Time to detect", of: ({ detect }) => detect },
  { name: "Time to notify", of: ({ notify }) => notify },
  { name: "Time to acknowledge", of: ({ acknowledge }) => acknowledge },
  { name: "Time to close", of: ({ close }) => close },
];

interface HeadlineProps {
  /** Undefined while loading. */
  statistics: ExposureStatistics | undefined;
  query: WindowQuery;
}

/** The page's figures: how long risks were live, and what is live now. */
export function Headline({ statistics, query }: HeadlineProps) {
  return (
    <Grid hasGutter>
      <Figure
        title="Median window"
        value={statistics && lengthOf(statistics.window.median_seconds)}
        note={statistics && closedNote(statistics.window.count)}
      />
      <Figure
        title="9 in 10 windows"
        value={statistics && atMost(statistics.window.p90_seconds)}
        note={statistics && closedNote(statistics.window.count)}
      />
      <Figure
        title="Open now"
        value={statistics?.open_now}
        note={statistics && `${statistics.acknowledged_now} acknowledged, ${statistics.suppressed_now} suppressed`}
      />
      <Figure
        title="Oldest open"
        value={statistics && (statistics.oldest ? elapsed(new Date(statistics.oldest.opened_at), new Date()) : "–")}
        note={
          statistics &&
          (statistics.oldest ? (
            <Link to={windowPath(statistics.oldest.id, query)}>Show this window</Link>
          ) : (
            "Nothing is open"
          ))
        }
      />
      {STEPS.map(({ name, of }) => {
        const spread = statistics && of(statistics);
        return (
          <Figure
            key={name}
            isSmall
            title={name}
            value={spread && lengthOf(spread.median_seconds)}
            note={spread && `9 in 10: ${atMost(spread.p90_seconds)}`}
          />
        );
      })}
    </Grid>
  );
}

interface FigureProps {
  title: string;
  value: ReactNode;
  note: ReactNode;
  isSmall?: boolean;
}

function Figure({ title, value, note, isSmall }: FigureProps) {
  const id = `figure-${title.replaceAll(" ", "-")}`;
  return (
    <GridItem sm={6} lg={3}>
      <Card isFullHeight isCompact component="section" aria-labelledby={id}>
        <CardHeader>
          <CardTitle component="h2" id={id}>
            {title}
          </CardTitle>
        </CardHeader>
        <CardBody>
          {value === undefined ? (
            <Skeleton height={isSmall ? "3rem" : "4rem"} screenreaderText={`Loading ${title}`} />
          ) : (
            <div className={isSmall ? "dl-figure dl-figure--small" : "dl-figure"}>
              <div className="dl-figure__value">{value}</div>
              <div className="dl-subtle">{note}</div>
            </div>
          )}
        </CardBody>
      </Card>
    </GridItem>
  );
}

function closedNote(count: number): string {
  return `of ${count} that closed in the period`;
}

function atMost(seconds: number | null): string {
  return seconds === null ? "–" : `≤ ${lengthOf(seconds)}`;
}
