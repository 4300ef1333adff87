import { Title } from "@patternfly/react-core";
import { readableSize } from "../facts/size";
import { type Column, DataTable } from "../table/DataTable";
import type { ConfigDifference, Differences, LayerDifference } from "./verdict";

/** In which layers and fields the image that runs differs from the one that was expected. */
export function DifferencesList({ differences }: { differences: Differences }) {
  const { commonLayers, onlyRunning, onlyExpected, config, problem } = differences;
  const layers = [
    ...onlyRunning.map((layer): LayerRow => ({ ...layer, side: "Only in what runs" })),
    ...onlyExpected.map((layer): LayerRow => ({ ...layer, side: "Only in what was expected" })),
  ];
  return (
    <section className="dl-part" aria-labelledby="differences-title">
      <Title headingLevel="h4" id="differences-title">
        What differs
      </Title>
      {problem && <p className="dl-subtle">The two could not be compared further: {problem}.</p>}
      {commonLayers !== undefined && (
        <p>
          {commonLayers} {commonLayers === 1 ? "layer is" : "layers are"} in both.
        </p>
      )}
      {layers.length > 0 && (
        <DataTable
          label="Layers that differ"
          columns={LAYER_COLUMNS}
          rows={layers}
          rowKey={(row) => `${row.side} ${row.digest}`}
          empty=""
        />
      )}
      {config.length > 0 && (
        <DataTable
          label="Settings that differ"
          columns={CONFIG_COLUMNS}
          rows={config}
          rowKey={(row) => row.field}
          empty=""
        />
      )}
    </section>
  );
}

type LayerRow = LayerDifference & { side: string };

const LAYER_COLUMNS: readonly Column<LayerRow>[] = [
  { title: "Layer", isNarrow: true, cell: (row) => row.side },
  { title: "Created by", width: 45, cell: (row) => <code className="dl-break">{row.createdBy || "Not known"}</code> },
  { title: "Size", isNarrow: true, cell: (row) => (row.size === undefined ? "–" : readableSize(row.size)) },
  { title: "Digest", cell: (row) => <code className="dl-break">{row.digest}</code> },
];

const CONFIG_COLUMNS: readonly Column<ConfigDifference>[] = [
  { title: "Setting", isNarrow: true, cell: (row) => row.field },
  { title: "Runs with", width: 40, cell: (row) => <Setting value={row.running} /> },
  { title: "Expected", width: 40, cell: (row) => <Setting value={row.expected} /> },
];

function Setting({ value }: { value: string }) {
  return value ? <code className="dl-break">{value}</code> : <span className="dl-subtle">Not set</span>;
}
