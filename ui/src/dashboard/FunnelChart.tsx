import { FunnelChart as FunnelSeries, type FunnelSeriesOption } from "echarts/charts";
import { type ComposeOption, type ECharts, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useTheme } from "../theme/Theme";
import type { ShownStage } from "./funnel";

use([FunnelSeries, SVGRenderer]);

/** The shape of the funnel beside its table, which says the same in numbers. */
export function FunnelChart({ stages }: { stages: readonly ShownStage[] }) {
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
    chart.current?.setOption(funnelOption(stages, token("--pf-t--global--color--brand--default")));
  }, [stages, mode]);

  return <div ref={place} className="dl-funnel__chart" aria-hidden />;
}

function funnelOption(stages: readonly ShownStage[], color: string): ComposeOption<FunnelSeriesOption> {
  const known = stages.filter((stage) => stage.isKnown);
  return {
    animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    series: {
      type: "funnel",
      sort: "none",
      min: 0,
      max: Math.max(1, known[0]?.count ?? 0),
      minSize: "3%",
      maxSize: "100%",
      top: 0,
      left: 0,
      width: "100%",
      height: `${(100 * known.length) / stages.length}%`,
      gap: 4,
      silent: true,
      label: { show: false },
      itemStyle: { color, borderWidth: 0 },
      data: known.map((stage, index) => ({
        name: stage.label,
        value: stage.count,
        itemStyle: { opacity: (index + 2) / (stages.length + 1) },
      })),
    },
  };
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
