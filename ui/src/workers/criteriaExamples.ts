/** Criteria to start from; CEL over `event`. */
export const CRITERIA_EXAMPLES: readonly { title: string; criteria: string }[] = [
  { title: "Only production namespaces", criteria: 'event.data.workload.namespace.startsWith("prod")' },
  { title: "Grave violations", criteria: 'event.data.violation.severity in ["Critical", "High"]' },
  {
    title: "An image can be attacked through its own code",
    criteria: 'event.data.images.exists(image, "critical_applicable_cves" in image.risks)',
  },
  { title: "Deployment status changed", criteria: "event.data.change.status || event.data.change.image_list" },
  { title: "Nothing from the demonstration", criteria: "!event.data.demonstration" },
];
