import { LineChart, type LineSeriesOption } from "echarts/charts";
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  TooltipComponent,
  type TooltipComponentOption,
} from "echarts/components";
import { type ComposeOption, type ECharts, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useTheme } from "../theme/Theme";
import { lengthOf } from "./timeline";
import { niceStep, type Trend } from "./trend";

use([LineChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

type Option = ComposeOption<LineSeriesOption | GridComponentOption | LegendComponentOption | TooltipComponentOption>;

const COLORS = ["blue", "orange", "teal", "purple", "red", "green", "yellow", "gray"];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });

/** Lengths of windows over time, beside a table that says the same in numbers. */
export function TrendChart({ trend }: { trend: Trend }) {
  const { mode } = useTheme();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);

  useEffect(() => {
    if (place.current === null) {
      return undefined;
    }
    const drawn = init(place.current, null, { renderer: "svg" });
    chart.current = drawn;
    const observer = new ResizeObserver(() => drawn.resize());
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      drawn.dispose();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another mode has other colours under the same names
  useEffect(() => {
    chart.current?.setOption(trendOption(trend), { notMerge: true });
  }, [trend, mode]);

  return <div ref={place} className="dl-trend__chart" aria-hidden />;
}

function trendOption({ at, lines }: Trend): Option {
  const color = token("--pf-t--global--text--color--subtle");
  const text = { color, fontFamily: token("--pf-t--global--font--family--body") };
  const line = token("--pf-t--global--border--color--default");
  const most = Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const step = niceStep(most);
  return {
    animation: false,
    color: COLORS.map((name) => token(`--pf-t--global--border--color--nonstatus--${name}--default`)),
    grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, type: "scroll", textStyle: text, inactiveColor: line },
    tooltip: {
      trigger: "axis",
      backgroundColor: token("--pf-t--global--background--color--floating--default"),
      borderColor: line,
      textStyle: { color: token("--pf-t--global--text--color--regular") },
      valueFormatter: (value) => lengthOf(typeof value === "number" ? value : null),
    },
    xAxis: {
      type: "category",
      data: at.map((moment) => DAY.format(new Date(moment))),
      axisLabel: text,
      axisLine: { lineStyle: { color: line } },
    },
    yAxis: {
      type: "value",
      min: 0,
      max: step * Math.max(1, Math.ceil(most / step)),
      interval: step,
      axisLabel: { ...text, formatter: (value: number) => (value === 0 ? "0" : lengthOf(value)) },
      splitLine: { lineStyle: { color: line } },
    },
    series: lines.map(({ name, values }, index) => ({
      type: "line",
      name,
      data: [...values],
      connectNulls: true,
      symbol: SYMBOLS[index % SYMBOLS.length],
      symbolSize: 7,
    })),
  };
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
