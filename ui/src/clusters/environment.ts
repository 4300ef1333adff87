import type { InstallationType, Provider } from "../api/generated/types.gen";

/** What the wizard is told. */
export interface Environment {
  provider: Provider;
  clusterName: string;
  namespace: string;
  installation: InstallationType;
}

export interface ProviderChoice {
  provider: Provider;
  title: string;
  about: string;
  isAvailable: boolean;
}

export const PROVIDERS: readonly ProviderChoice[] = [
  {
    provider: "kubernetes",
    title: "Kubernetes",
    about: "Any conformant cluster from version 1.21 on, in a cloud or your own.",
    isAvailable: true,
  },
  {
    provider: "openshift",
    title: "OpenShift",
    about: "The same chart; sensors get the security context constraint they need.",
    isAvailable: true,
  },
  {
    provider: "ecs_fargate",
    title: "ECS: Fargate",
    about: "Not available in this version.",
    isAvailable: false,
  },
];

export const INSTALLATIONS: readonly { installation: InstallationType; title: string; about: string }[] = [
  {
    installation: "controller_and_sensors",
    title: "Controller and Sensors",
    about: "Runtime Impact: a sensor on every node also sees what containers execute.",
  },
  {
    installation: "controller_only",
    title: "Controller Only",
    about: "Runtime Integrity: what runs, and whether its images are genuine. Nothing is privileged.",
  },
];

/** What the wizard starts with. */
export function newEnvironment(clusterName: string): Environment {
  return { provider: "kubernetes", clusterName, namespace: "deadlight", installation: "controller_and_sensors" };
}

const CLUSTER_NAME = /^[A-Za-z0-9]([A-Za-z0-9._:/@-]{0,251}[A-Za-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What is wrong with a cluster's name; empty when nothing is. */
export function clusterNameMistake(name: string): string {
  return CLUSTER_NAME.test(name) ? "" : "Letters, digits and . _ : / @ -, with a letter or digit at both ends.";
}

/** What is wrong with a namespace; empty when nothing is. */
export function namespaceMistake(name: string): string {
  return NAMESPACE.test(name) ? "" : "Small letters, digits and -, at most 63, with a letter or digit at both ends.";
}
