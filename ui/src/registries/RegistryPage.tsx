import { PageSection, Skeleton } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
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
import { PageHead } from "../shell/PageHead";
import { useToast } from "../shell/Toasts";
import { PageFailure } from "../states/PageFailure";
import { RegistryForm } from "./RegistryForm";
import { RegistryStanding } from "./RegistryStanding";
import { bodyOf, draftOf, NEW_REGISTRY } from "./registryDraft";

const ABOVE = { title: "Registries", path: "/admin/registries" };

export function NewRegistryPage() {
  const saved = useSaved("Registry added");
  const adding = useMutation({ ...addRegistryMutation(), onSuccess: saved });
  const { data, error, refetch } = useQuery(listRegistryTypesOptions());
  if (error && !data) {
    return <PageFailure subject="the types of registries" error={error} retry={() => void refetch()} list={ABOVE} />;
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
  const failure = data ? missing : (error ?? (types.data ? null : types.error));
  if (failure) {
    return <PageFailure subject="this registry" error={failure} retry={() => void refetch()} list={ABOVE} />;
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

function ChangeRegistry({ registry, types }: { registry: RegistryOut; types: RegistryTypes }) {
  const saved = useSaved("Registry saved");
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

function useSaved(title: string) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const say = useToast();
  return () => {
    void queryClient.invalidateQueries({ queryKey: listRegistriesQueryKey() });
    say({ variant: "success", title, body: "Its running images are judged again with the next check." });
    void navigate("/admin/registries");
  };
}
