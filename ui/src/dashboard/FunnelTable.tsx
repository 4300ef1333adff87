import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ShownStage } from "./funnel";

const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const COUNT = new Intl.NumberFormat();

/** The funnel's numbers, a row for each stage. */
export function FunnelTable({ stages }: { stages: readonly ShownStage[] }) {
  return (
    <Table aria-label="Prioritisation funnel" gridBreakPoint="" variant="compact">
      <Thead>
        <Tr>
          <Th>Stage</Th>
          <Th modifier="fitContent">Vulnerabilities</Th>
          <Th modifier="fitContent">Of the stage before</Th>
        </Tr>
      </Thead>
      <Tbody>
        {stages.map((stage) => (
          <Tr key={stage.key}>
            <Th scope="row" dataLabel="Stage">
              {stage.label}
              <div className="dl-subtle">{stage.description}</div>
            </Th>
            <Td dataLabel="Vulnerabilities" modifier="nowrap">
              {stage.isKnown ? (
                <span className="dl-funnel__count">{COUNT.format(stage.count)}</span>
              ) : (
                <span className="dl-subtle">Needs sensors</span>
              )}
            </Td>
            <Td dataLabel="Of the stage before">
              {stage.isKnown && stage.share !== null ? PERCENT.format(stage.share) : "–"}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
