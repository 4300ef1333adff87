import { Nav, NavExpandable, NavGroup, NavItem, PageSidebar, PageSidebarBody } from "@patternfly/react-core";
import { Link, useLocation } from "react-router";
import type { Role } from "../api/generated/types.gen";
import { FEEDS } from "../feeds/feedRows";
import { includesRole, useSession } from "../session/session";

interface Place {
  title: string;
  path: string;
  /** Addresses below this one belong to the place too; by default those below `path`. */
  root?: string;
  role: Role;
}

interface Group {
  title: string;
  places: readonly Place[];
  /** The documents' own way to places that others have in the menu too; closed until somebody takes it. */
  documented?: { title: string; places: readonly Place[] };
}

const CLUSTERS: Place = { title: "Cluster Management", path: "/runtime/clusters", role: "admin" };

const GROUPS: readonly Group[] = [
  {
    title: "Runtime",
    places: [
      { title: "Dashboard", path: "/runtime/dashboard", role: "viewer" },
      { title: "Live Assessment", path: "/runtime/live/images", root: "/runtime/live", role: "viewer" },
      { title: "Detections", path: "/runtime/detections", role: "viewer" },
      { title: "Exposure Windows", path: "/runtime/exposure-windows", role: "viewer" },
      CLUSTERS,
    ],
  },
  {
    title: "Administration",
    places: [
      { title: "Workers", path: "/admin/workers", role: "viewer" },
      { title: "Owners", path: "/admin/owners", role: "viewer" },
      { title: "Registries", path: "/admin/registries", role: "viewer" },
      { title: "Signers", path: "/admin/signers", role: "viewer" },
      { title: "Feeds", path: FEEDS, role: "viewer" },
    ],
    documented: { title: "Runtime", places: [CLUSTERS] },
  },
];

export function Navigation() {
  const { role } = useSession();
  const { pathname } = useLocation();
  return (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label="Console">
          {GROUPS.map(({ title, places, documented }) => (
            <NavGroup key={title} title={title}>
              {places
                .filter((place) => includesRole(role, place.role))
                .map((place) => (
                  <Item key={place.path} place={place} isActive={isWithin(pathname, place.root ?? place.path)} />
                ))}
              {documented?.places.some((place) => includesRole(role, place.role)) && (
                <NavExpandable title={documented.title}>
                  {documented.places.map((place) => (
                    <Item key={place.path} place={place} isActive={false} />
                  ))}
                </NavExpandable>
              )}
            </NavGroup>
          ))}
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
}

function Item({ place, isActive }: { place: Place; isActive: boolean }) {
  return (
    <NavItem isActive={isActive}>
      <Link to={place.path}>{place.title}</Link>
    </NavItem>
  );
}

function isWithin(pathname: string, root: string): boolean {
  return pathname === root || pathname.startsWith(`${root}/`);
}
