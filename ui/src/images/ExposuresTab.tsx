import { DescriptionList, Flex, FlexItem, Label, ToolbarItem } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { listImageTagExposuresOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ExposureRow, ExposuresStatusOut, ImageExposures, ImageTagDetail } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { SeverityMark } from "../facts/Severity";
import { sentence } from "../facts/sentence";
import { SEVERITIES } from "../facts/severities";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { CheckboxSelect } from "../table/CheckboxSelect";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { type Filters, useFilters } from "../table/useFilters";
import { CutNote } from "./CutNote";
import { CATEGORIES, categoryName, countByCategory, cweLink, describeCategory, placeOf } from "./exposures";
import { PathText } from "./PathText";

const FILTERS = ["severity", "category"] as const;

const COLUMNS: readonly Column<ExposureRow>[] = [
  { title: "Severity", isNarrow: true, cell: (row) => <SeverityMark severity={row.severity} /> },
  { title: "Category", isNarrow: true, cell: (row) => categoryName(row.category) },
  { title: "Exposure", width: 40, cell: (row) => row.title },
  {
    title: "Found in",
    width: 40,
    cell: (row) => (
      <>
        <PathText path={placeOf(row)} />
        {row.is_deleted && <Label isCompact>In a lower layer only</Label>}
      </>
    ),
  },
];

/** Secrets and insecure settings in the image, and how far each scanner for them is. */
export function ExposuresTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagExposuresOptions({ path: { image_tag_id: image.id } }));
  const filters = useFilters(FILTERS);
  if (error && !data) {
    return <Failure subject="the exposures" error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      {data && <Categories found={data} />}
      <SearchableTable
        label="Exposures"
        searchLabel="Search by title, path or rule"
        columns={COLUMNS}
        rows={data?.exposures.filter((row) => isLeft(row, filters))}
        rowKey={(row) => String(row.id)}
        textOf={(row) => [row.title, row.path, row.location, row.rule_id, row.cwe].join(" ")}
        details={(row) => <ExposureDetails row={row} />}
        filters={<ExposureFilters filters={filters} />}
        isFiltered={filters.isActive}
        clearFilters={filters.clear}
        note={<CutNote shown={data?.exposures.length} total={data?.total} what="exposures" />}
        expectedRows={3}
        empty={data && <Empty status={data.status} />}
      />
    </>
  );
}

/** A line for each category: what it found, or why it has not looked. */
function Categories({ found }: { found: ImageExposures }) {
  const counts = countByCategory(found.exposures);
  return (
    <DescriptionList
      isCompact
      isHorizontal
      horizontalTermWidthModifier={{ default: "14ch" }}
      className="dl-above-table"
    >
      {CATEGORIES.map(({ key, name }) => {
        const part = found.status.categories[key];
        const said = part && describeCategory(part, counts.get(key) ?? 0);
        return (
          said && (
            <Fact key={key} name={name}>
              <Flex columnGap={{ default: "columnGapSm" }}>
                <FlexItem>
                  <Label isCompact status={said.status}>
                    {said.name}
                  </Label>
                </FlexItem>
                {said.more && <FlexItem className="dl-subtle dl-break">{sentence(said.more)}</FlexItem>}
              </Flex>
            </Fact>
          )
        );
      })}
      {found.problems.length > 0 && (
        <Fact name="Not read">
          {found.problems.map((problem) => (
            <div key={problem} className="dl-subtle dl-break">
              {problem}
            </div>
          ))}
        </Fact>
      )}
    </DescriptionList>
  );
}

function Empty({ status }: { status: ExposuresStatusOut }) {
  return status.status === "DONE" ? (
    <NothingYet title="No exposures found">
      What was scanned for is listed above. A category that was not scanned may still have some.
    </NothingYet>
  ) : (
    <NothingYet title="Not scanned for exposures">{sentence(status.reason) || "The scan is not done yet."}</NothingYet>
  );
}

function isLeft(row: ExposureRow, { chosen }: Filters): boolean {
  const [severities, categories] = [chosen("severity"), chosen("category")];
  return (
    (severities.length === 0 || severities.includes(row.severity)) &&
    (categories.length === 0 || categories.includes(row.category))
  );
}

function ExposureFilters({ filters }: { filters: Filters }) {
  return (
    <>
      <ToolbarItem>
        <CheckboxSelect
          label="Severity"
          options={SEVERITIES.map((value) => ({ value, label: value }))}
          chosen={filters.chosen("severity")}
          toggle={(value) => filters.toggle("severity", value)}
        />
      </ToolbarItem>
      <ToolbarItem>
        <CheckboxSelect
          label="Category"
          options={CATEGORIES.map(({ key, name }) => ({ value: key, label: name }))}
          chosen={filters.chosen("category")}
          toggle={(value) => filters.toggle("category", value)}
        />
      </ToolbarItem>
    </>
  );
}

function ExposureDetails({ row }: { row: ExposureRow }) {
  const link = cweLink(row.cwe);
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="What it is">{row.description}</Fact>
      <Fact name="Evidence">
        <code className="dl-break">{row.evidence}</code>
      </Fact>
      <Fact name="What to do">{row.recommendation}</Fact>
      <Fact name="Rule">{row.rule_id}</Fact>
      {link && (
        <Fact name="Weakness">
          <a href={link} target="_blank" rel="noreferrer">
            {row.cwe}
          </a>
        </Fact>
      )}
      {row.layer_digest && (
        <Fact name="Layer">
          <code className="dl-break">{row.layer_digest}</code>
        </Fact>
      )}
      <Fact name="First found">
        <Moment at={row.first_found_at} />
      </Fact>
    </DescriptionList>
  );
}
