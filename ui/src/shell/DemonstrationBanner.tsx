import { Banner, Flex, FlexItem } from "@patternfly/react-core";
import InfoCircleIcon from "@patternfly/react-icons/dist/esm/icons/info-circle-icon";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { clustersOptions } from "../api/clusters";
import { listRegistriesOptions } from "../api/generated/@tanstack/react-query.gen";
import { useMay } from "../session/session";

/** Says on every page that what is shown is partly made up, for as long as it is. */
export function DemonstrationBanner() {
  return (
    <Banner color="blue" role="region" aria-label="Demonstration">
      <Flex
        columnGap={{ default: "columnGapSm" }}
        flexWrap={{ default: "nowrap" }}
        justifyContent={{ default: "justifyContentCenter" }}
      >
        <FlexItem>
          <InfoCircleIcon aria-hidden />
        </FlexItem>
        <FlexItem>
          Demonstration fleet: simulated clusters and registry. Remove it with <code>deadlight demo remove</code>.
          Connect a real cluster: <code>deadlight connect</code>
        </FlexItem>
      </Flex>
    </Banner>
  );
}

/**
 * Whether anything is made up; undefined while that is not known. Only administrators may list clusters; everybody sees
 * the demonstration's registry.
 */
export function useHasDemonstration(): boolean | undefined {
  const mayListClusters = useMay("admin");
  const { data: registries, isPending } = useQuery(listRegistriesOptions());
  const { data: clusters } = useInfiniteQuery({ ...clustersOptions, enabled: mayListClusters });
  const hasOne = [...(registries ?? []), ...(clusters?.clusters ?? [])].some((item) => item.demonstration);
  return isPending ? undefined : hasOne;
}
