import { PageSection, Skeleton } from "@patternfly/react-core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import {
  addRegistryMutation,
  changeRegistryMutation,
  listRegistriesOptions,
  listRegistriesQueryKey,
  listRegistryTypesOptions,
} from "../api/generated/@tanstack/react-query.gen";
import type { RegistryOut, RegistryTypes } from "../api/generated/types.gen";
import { Problem } from "../api/problem";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { useSaved } from "../forms/useSaved";
import { PageHead } from "../shell/PageHead";
import { PageFailure } from "../states/PageFailure";
import { RegistryForm } from "./RegistryForm";
import { RegistryStanding } from "./RegistryStanding";
import { bodyOf, draftOf, NEW_REGISTRY } from "./registryDraft";

const ABOVE = { title: "Registries", path: "/admin/registries" };
const SAVED = {
  body: "Its running images are judged again with the next check.",
  list: ABOVE.path,
  queryKey: listRegistriesQueryKey(),
};

export function NewRegistryPage() {
  const saved = useSaved({ ...SAVED, title: "Registry added" });
  const adding = useMutation({ ...addRegistryMutation(), onSuccess: saved });
  const { data, error, refetch } = useQuery(listRegistryTypesOptions());
  if (error && !data) {
    return <NoTypes error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      <PageHead title="Add a registry" above={[ABOVE]} />
      <PageSection isFilled>
        {data ? (
          <RegistryForm
            isNew
            initial={NEW_REGISTRY}
            types={data.types}
            isPending={adding.isPending}
            error={adding.error}
            save={(draft) => adding.mutate({ body: bodyOf(draft, data.types) })}
          />
        ) : (
          <Skeleton height="40rem" screenreaderText="Loading" />
        )}
      </PageSection>
    </>
  );
}

/** The service lists registries and has none by itself, so the one meant is looked up in the list. */
export function RegistryPage() {
  const id = Number(useParams().registryId);
  const { data, error, refetch } = useQuery(listRegistriesOptions());
  const types = useQuery(listRegistryTypesOptions());
  const registry = data?.find((item) => item.id === id);
  const missing = data && !registry ? new Problem(404, "not_found", "There is no such registry.") : null;
  const failure = data ? missing : error;
  if (failure) {
    return <PageFailure subject="this registry" error={failure} retry={() => void refetch()} list={ABOVE} />;
  }
  if (types.error && !types.data) {
    return <NoTypes error={types.error} retry={() => void types.refetch()} />;
  }
  return (
    <>
      <PageHead
        title={registry?.name ?? "Registry"}
        above={[ABOVE]}
        labels={<DemonstrationLabel isShown={registry?.demonstration ?? false} />}
      />
      <PageSection isFilled>
        {registry && types.data ? (
          <>
            <RegistryStanding registry={registry} types={types.data} />
            <ChangeRegistry registry={registry} types={types.data} />
          </>
        ) : (
          <Skeleton height="40rem" screenreaderText="Loading" />
        )}
      </PageSection>
    </>
  );
}

function NoTypes({ error, retry }: { error: unknown; retry: () => void }) {
  return <PageFailure subject="the types of registries" error={error} retry={retry} list={ABOVE} />;
}

function ChangeRegistry({ registry, types }: { registry: RegistryOut; types: RegistryTypes }) {
  const saved = useSaved({ ...SAVED, title: "Registry saved" });
  const changing = useMutation({ ...changeRegistryMutation(), onSuccess: saved });
  return (
    <RegistryForm
      isNew={false}
      initial={draftOf(registry)}
      types={types.types}
      isPending={changing.isPending}
      error={changing.error}
      save={(draft) => changing.mutate({ path: { registry_id: registry.id }, body: bodyOf(draft, types.types) })}
    />
  );
}
