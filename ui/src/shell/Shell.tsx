import {
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadLogo,
  MastheadMain,
  MastheadToggle,
  Page,
  PageToggleButton,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import { Link, Outlet } from "react-router";
import { WholePage } from "../states/WholePage";
import { ThemeToggle } from "../theme/ThemeToggle";
import { DemonstrationBanner, useHasDemonstration } from "./DemonstrationBanner";
import { Navigation } from "./Navigation";
import { Porthole } from "./Porthole";
import { useScrollPosition } from "./scrollPosition";
import { ToastProvider } from "./Toasts";
import { UserMenu } from "./UserMenu";

const MAIN_ID = "main";

/** Masthead, navigation and the page, once it is known whether the banner belongs above them: it would push them down. */
export function Shell() {
  const hasDemonstration = useHasDemonstration();
  return hasDemonstration === undefined ? <WholePage /> : <Frame hasDemonstration={hasDemonstration} />;
}

function Frame({ hasDemonstration }: { hasDemonstration: boolean }) {
  useScrollPosition(MAIN_ID);
  return (
    <ToastProvider>
      <div className="dl-shell">
        {hasDemonstration && <DemonstrationBanner />}
        <Page
          isManagedSidebar
          isContentFilled
          mainContainerId={MAIN_ID}
          mainTabIndex={0}
          skipToContent={<SkipToContent href={`#${MAIN_ID}`}>Skip to content</SkipToContent>}
          masthead={<Top />}
          sidebar={<Navigation />}
        >
          <Outlet />
        </Page>
      </div>
    </ToastProvider>
  );
}

function Top() {
  return (
    <Masthead>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton isHamburgerButton aria-label="Navigation" />
        </MastheadToggle>
        <MastheadBrand>
          <MastheadLogo component={(logo) => <Link {...logo} to="/" className="dl-brand" />}>
            <Porthole size={32} />
            Deadlight
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: "alignEnd" }} gap={{ default: "gapMd" }}>
              <ToolbarItem>
                <ThemeToggle />
              </ToolbarItem>
              <ToolbarItem>
                <UserMenu />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
}
