import {
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  ExpandableSection,
  Flex,
  FlexItem,
  Skeleton,
} from "@patternfly/react-core";
import { lazy, Suspense, useMemo } from "react";
import type { ExposureStatistics, GroupStatistics } from "../api/generated/types.gen";
import { type Column, DataTable } from "../table/DataTable";
import { OneSelect } from "../table/OneSelect";
import { lengthOf } from "./timeline";
import { groupName, type Trend, trendOf } from "./trend";
import type { ChangeQuery } from "./useWindowQuery";
import { GROUP_NAMES, MEASURE_NAMES, type Measure, type WindowQuery } from "./windowQuery";

/** Apart from the rest, because the drawing library is as large as everything else together. */
const TrendChart = lazy(async () => ({ default: (await import("./TrendChart")).TrendChart }));

const GROUPS = Object.entries(GROUP_NAMES).map(([value, label]) => ({ value, label }));
const MEASURES = Object.entries(MEASURE_NAMES).map(([value, label]) => ({ value, label }));

interface TrendCardProps {
  statistics: ExposureStatistics | undefined;
  query: WindowQuery;
  change: ChangeQuery;
}

/** Lengths of windows over time, of all or by risk or team, with the same in tables. */
export function TrendCard({ statistics, query, change }: TrendCardProps) {
  const { group, measure } = query;
  const trend = useMemo(() => statistics && trendOf(statistics, group, measure), [statistics, group, measure]);
  return (
    <Card component="section" aria-labelledby="trend-title">
      <CardHeader>
        <Flex alignItems={{ default: "alignItemsCenter" }}>
          <FlexItem grow={{ default: "grow" }}>
            <CardTitle component="h2" id="trend-title">
              Length of windows by the {statistics?.bucket ?? "day"} they closed
            </CardTitle>
          </FlexItem>
          {group !== "all" && (
            <FlexItem>
              <OneSelect
                label="Figure"
                options={MEASURES}
                chosen={measure}
                choose={(value) => change((now) => ({ ...now, measure: value as Measure }))}
              />
            </FlexItem>
          )}
          <FlexItem>
            <OneSelect
              label="Lines"
              options={GROUPS}
              chosen={group}
              choose={(value) => change((now) => ({ ...now, group: value as WindowQuery["group"] }))}
            />
          </FlexItem>
        </Flex>
      </CardHeader>
      <CardBody>
        {statistics && trend ? <Figures statistics={statistics} trend={trend} group={group} /> : <Loading />}
      </CardBody>
    </Card>
  );
}

function Loading() {
  return <Skeleton height="18rem" screenreaderText="Loading the chart" />;
}

interface FiguresProps {
  statistics: ExposureStatistics;
  trend: Trend;
  group: WindowQuery["group"];
}

function Figures({ statistics, trend, group }: FiguresProps) {
  const groups = group === "team" ? statistics.by_team : statistics.by_risk;
  const kind = group === "team" ? "team" : "risk";
  const hasLengths = trend.lines.some(({ values }) => values.some((value) => value !== null));
  return (
    <>
      {hasLengths ? (
        <Suspense fallback={<div className="dl-trend__chart" />}>
          <TrendChart trend={trend} />
        </Suspense>
      ) : (
        <div className="dl-trend__chart dl-trend__chart--empty dl-subtle">No window closed in this period.</div>
      )}
      <ExpandableSection toggleText="Show as tables">
        <div className="dl-trend__tables">
          <DataTable
            label={group === "team" ? "Windows by team" : "Windows by risk"}
            columns={groupColumns(kind)}
            rows={groups}
            rowKey={(row) => row.name}
            empty="No window was open in this period."
          />
          <DataTable
            label="Length of windows over time"
            columns={trendColumns(trend)}
            rows={trend.at.map((at, index) => ({ at, index })).filter(({ index }) => hasValue(trend, index))}
            rowKey={(row) => row.at}
            empty="No window closed in this period."
          />
        </div>
      </ExpandableSection>
    </>
  );
}

function hasValue(trend: Trend, index: number): boolean {
  return trend.lines.some(({ values }) => values[index] !== null);
}

function groupColumns(kind: "risk" | "team"): readonly Column<GroupStatistics>[] {
  return [
    { title: kind === "team" ? "Team" : "Risk", cell: (row) => groupName(row.name, kind) },
    { title: "Open now", isNarrow: true, cell: (row) => row.open_now },
    { title: "Closed", isNarrow: true, cell: (row) => row.window.count },
    { title: "Median", isNarrow: true, cell: (row) => lengthOf(row.window.median_seconds) },
    { title: "9 in 10 at most", isNarrow: true, cell: (row) => lengthOf(row.window.p90_seconds) },
  ];
}

function trendColumns(trend: Trend): readonly Column<{ at: string; index: number }>[] {
  return [
    { title: "From (UTC)", isNarrow: true, cell: (row) => row.at.slice(0, 10) },
    ...trend.lines.map(({ name, values }) => ({
      title: name,
      cell: ({ index }: { index: number }) => lengthOf(values[index] ?? null),
    })),
  ];
}
