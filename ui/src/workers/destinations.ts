import type { DestinationType } from "./workerDraft";

/** What people call the channels. */
export const DESTINATION_NAMES: Record<DestinationType, string> = {
  webhook: "Webhook",
  slack: "Slack",
  email: "E-mail",
};
