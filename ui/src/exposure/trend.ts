import type { ExposureStatistics, SeriesGroup, WindowRisk } from "../api/generated/types.gen";
import { WINDOW_RISK_NAMES } from "../facts/risks";
import type { Measure } from "./windowQuery";

/** A line of the chart: a value in seconds for each of `Trend.at`, null where no window closed. */
export interface Line {
  name: string;
  values: readonly (number | null)[];
}

export interface Trend {
  at: readonly string[];
  lines: readonly Line[];
}

/** Lines of a chart: median and ninth decile of all windows, or one of the two for each risk or team. */
export function trendOf({ series }: Pick<ExposureStatistics, "series">, group: SeriesGroup, measure: Measure): Trend {
  const at = series[0]?.points.map((point) => point.at) ?? [];
  if (group === "all") {
    const points = series[0]?.points ?? [];
    return {
      at,
      lines: [
        { name: "Median", values: points.map(({ window }) => window.median_seconds) },
        { name: "9 in 10 at most", values: points.map(({ window }) => window.p90_seconds) },
      ],
    };
  }
  const value = measure === "p90" ? "p90_seconds" : "median_seconds";
  const lines = series.map(({ name, points }) => ({
    name: groupName(name, group),
    values: points.map(({ window }) => window[value]),
  }));
  return { at, lines };
}

/** What a risk or team is called; windows of no team have a name too. */
export function groupName(name: string, group: SeriesGroup): string {
  return group === "risk" ? (WINDOW_RISK_NAMES[name as WindowRisk] ?? name) : name || "No team";
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [1, 5, 10, 30, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY];
const MOST_STEPS = 6;

/** Seconds between the marks of an axis up to `most`, as people divide time. */
export function niceStep(most: number): number {
  return STEPS.find((step) => most / step <= MOST_STEPS) ?? Math.ceil(most / MOST_STEPS / DAY) * DAY;
}
