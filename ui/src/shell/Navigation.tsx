import { Nav, NavGroup, NavItem, PageSidebar, PageSidebarBody } from "@patternfly/react-core";
import { Link, useLocation } from "react-router";
import type { Role } from "../api/generated/types.gen";
import { includesRole, useSession } from "../session/session";

interface Place {
  title: string;
  path: string;
  /** Addresses below this one belong to the place too; by default those below `path`. */
  root?: string;
  role: Role;
}

const GROUPS: readonly { title: string; places: readonly Place[] }[] = [
  {
    title: "Runtime",
    places: [
      { title: "Dashboard", path: "/runtime/dashboard", role: "viewer" },
      { title: "Live Assessment", path: "/runtime/live/images", root: "/runtime/live", role: "viewer" },
      { title: "Cluster Management", path: "/runtime/clusters", role: "admin" },
    ],
  },
  {
    title: "Administration",
    places: [
      { title: "Workers", path: "/admin/workers", role: "viewer" },
      { title: "Owners", path: "/admin/owners", role: "viewer" },
      { title: "Registries", path: "/admin/registries", role: "viewer" },
      { title: "Signers", path: "/admin/signers", role: "viewer" },
    ],
  },
];

export function Navigation() {
  const { role } = useSession();
  const { pathname } = useLocation();
  return (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label="Console">
          {GROUPS.map(({ title, places }) => (
            <NavGroup key={title} title={title}>
              {places
                .filter((place) => includesRole(role, place.role))
                .map((place) => (
                  <NavItem key={place.path} isActive={isWithin(pathname, place.root ?? place.path)}>
                    <Link to={place.path}>{place.title}</Link>
                  </NavItem>
                ))}
            </NavGroup>
          ))}
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
}

function isWithin(pathname: string, root: string): boolean {
  return pathname === root || pathname.startsWith(`${root}/`);
}
