import { Button } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { redeliverAlertMutation } from "../api/generated/@tanstack/react-query.gen";
import type { AlertOut } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { useMay } from "../session/session";
import { useToast } from "../shell/Toasts";

const SHOWING_ALERTS = new Set(["listAlerts", "getAlert", "listWorkers"]);

/** Tries a dead letter again; nothing for any other alert. */
export function Redeliver({ alert }: { alert: AlertOut }) {
  const queryClient = useQueryClient();
  const say = useToast();
  const mayRedeliver = useMay("operator");
  const redelivering = useMutation({
    ...redeliverAlertMutation(),
    onSuccess: () => say({ variant: "success", title: "The alert is tried again" }),
    onError: (error) =>
      say({ variant: "danger", title: "The alert is not tried again", body: asProblem(error).message }),
    onSettled: () =>
      queryClient.invalidateQueries({
        predicate: ({ queryKey }) => SHOWING_ALERTS.has((queryKey[0] as { _id?: string })._id ?? ""),
      }),
  });
  if (alert.status !== "dead" || !mayRedeliver) {
    return null;
  }
  return (
    <Button
      variant="secondary"
      size="sm"
      aria-label={`Redeliver: ${alert.title}`}
      isLoading={redelivering.isPending}
      isDisabled={redelivering.isPending}
      onClick={() => redelivering.mutate({ path: { alert_id: alert.id } })}
    >
      Redeliver
    </Button>
  );
}
