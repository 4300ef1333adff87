import { createBrowserRouter, Navigate, type RouteObject } from "react-router";
import { ClusterPage } from "./clusters/ClusterPage";
import { ClustersPage } from "./clusters/ClustersPage";
import { CLUSTERS_PATH, INSTALL_PATH, TOKENS_PATH } from "./clusters/clusterPath";
import { InstallPage } from "./clusters/InstallPage";
import { TokensPage } from "./clusters/TokensPage";
import { DashboardPage } from "./dashboard/DashboardPage";
import { BlockingPage } from "./detections/BlockingPage";
import { DetectionsPage } from "./detections/DetectionsPage";
import { ExceptionsPage } from "./detections/ExceptionsPage";
import { BLOCKING_PATH, EXCEPTIONS_PATH, RULES_PATH } from "./detections/paths";
import { RulesPage } from "./detections/RulesPage";
import { NewThreatRulePage, ThreatRulePage } from "./detections/ThreatRulePage";
import { ExposurePage } from "./exposure/ExposurePage";
import { FeedsPage } from "./feeds/FeedsPage";
import { ImagePage } from "./images/ImagePage";
import { ImagesPage } from "./images/ImagesPage";
import { OwnersPage } from "./owners/OwnersPage";
import { NewRulePage, RulePage } from "./owners/RulePage";
import { ProcessesPage } from "./processes/ProcessesPage";
import { ProcessPage } from "./processes/ProcessPage";
import { RegistriesPage } from "./registries/RegistriesPage";
import { NewRegistryPage, RegistryPage } from "./registries/RegistryPage";
import { RequireSession } from "./session/RequireSession";
import { SignIn } from "./session/SignIn";
import { NotFound } from "./shell/NotFound";
import { RouteFailure } from "./shell/RouteFailure";
import { Shell } from "./shell/Shell";
import { NewSignerPage, SignerPage } from "./signers/SignerPage";
import { SignersPage } from "./signers/SignersPage";
import { AlertsPage } from "./workers/AlertsPage";
import { NewWorkerPage, WorkerPage } from "./workers/WorkerPage";
import { WorkersPage } from "./workers/WorkersPage";
import { WorkloadPage } from "./workloads/WorkloadPage";
import { WorkloadsPage } from "./workloads/WorkloadsPage";

const pages: RouteObject[] = [
  { index: true, element: <Navigate to="/runtime/dashboard" replace /> },
  { path: "runtime/dashboard", element: <DashboardPage /> },
  { path: "runtime/live", element: <Navigate to="/runtime/live/images" replace /> },
  { path: "runtime/live/images", element: <ImagesPage /> },
  { path: "runtime/live/images/:imageTagId/:tab?", element: <ImagePage /> },
  { path: "runtime/exposure-windows/:windowId?", element: <ExposurePage /> },
  { path: "runtime/detections/:detectionId?", element: <DetectionsPage /> },
  { path: RULES_PATH, element: <RulesPage /> },
  { path: `${RULES_PATH}/new`, element: <NewThreatRulePage /> },
  { path: `${RULES_PATH}/:ruleId`, element: <ThreatRulePage /> },
  { path: EXCEPTIONS_PATH, element: <ExceptionsPage /> },
  { path: BLOCKING_PATH, element: <BlockingPage /> },
  { path: CLUSTERS_PATH, element: <ClustersPage /> },
  { path: INSTALL_PATH, element: <InstallPage /> },
  { path: TOKENS_PATH, element: <TokensPage /> },
  { path: "runtime/live/workloads", element: <WorkloadsPage /> },
  { path: "runtime/live/workloads/:workloadId/:tab?", element: <WorkloadPage /> },
  { path: "runtime/live/processes", element: <ProcessesPage /> },
  { path: "runtime/live/processes/:imageTagId/:programId/:tab?", element: <ProcessPage /> },
  { path: "runtime/clusters/:clusterId", element: <ClusterPage /> },
  { path: "admin/runtime/clusters", element: <Navigate to={CLUSTERS_PATH} replace /> },
  { path: "admin/workers", element: <WorkersPage /> },
  { path: "admin/workers/alerts", element: <AlertsPage /> },
  { path: "admin/workers/new", element: <NewWorkerPage /> },
  { path: "admin/workers/:workerId", element: <WorkerPage /> },
  { path: "admin/owners", element: <OwnersPage /> },
  { path: "admin/owners/new", element: <NewRulePage /> },
  { path: "admin/owners/:ruleId", element: <RulePage /> },
  { path: "admin/registries", element: <RegistriesPage /> },
  { path: "admin/registries/new", element: <NewRegistryPage /> },
  { path: "admin/registries/:registryId", element: <RegistryPage /> },
  { path: "admin/signers", element: <SignersPage /> },
  { path: "admin/feeds", element: <FeedsPage /> },
  { path: "admin/signers/new", element: <NewSignerPage /> },
  { path: "admin/signers/:signerId", element: <SignerPage /> },
  { path: "*", element: <NotFound /> },
];

/** Every address of the console. */
export function createRouter() {
  return createBrowserRouter([
    { path: "/sign-in", element: <SignIn /> },
    {
      element: <RequireSession />,
      errorElement: <RouteFailure />,
      children: [{ element: <Shell />, children: [{ errorElement: <RouteFailure />, children: pages }] }],
    },
  ]);
}
