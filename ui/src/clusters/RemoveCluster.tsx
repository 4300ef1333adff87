import { useMutation, useQueryClient } from "@tanstack/react-query";
import { removeClusterMutation } from "../api/generated/@tanstack/react-query.gen";
import type { ClusterRow } from "../api/generated/types.gen";
import { Command } from "../facts/Command";
import { Confirmation } from "../forms/Confirmation";
import { useToast } from "../shell/Toasts";
import { invalidateClusters } from "./invalidateClusters";

interface RemoveClusterProps {
  cluster: ClusterRow;
  close: () => void;
  /** After it is gone. */
  removed?: () => void;
}

/** Asks before a cluster is removed, which revokes its agents. */
export function RemoveCluster({ cluster, close, removed }: RemoveClusterProps) {
  const queryClient = useQueryClient();
  const say = useToast();
  const removing = useMutation({
    ...removeClusterMutation(),
    onSuccess: () => {
      void invalidateClusters(queryClient);
      say({ variant: "success", title: `${cluster.name} removed` });
      close();
      removed?.();
    },
  });
  return (
    <Confirmation
      title={`Remove ${cluster.name}?`}
      action="Remove cluster"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { cluster_id: cluster.id } })}
      cancel={close}
    >
      <p>
        Its agents are revoked, and what runs there counts as gone, so that its violations close. To connect it again,
        install it with a new registration token. The agents themselves stay until you uninstall them:
      </p>
      <Command name="Command to uninstall the agents">helm uninstall deadlight-agent --namespace deadlight</Command>
    </Confirmation>
  );
}
