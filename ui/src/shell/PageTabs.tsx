import { PageSection } from "@patternfly/react-core";
import styles from "@patternfly/react-styles/css/components/Tabs/tabs";
import { Link } from "react-router";

interface PageTabsProps {
  label: string;
  /** Title and address of each page, in order. */
  pages: readonly { title: string; path: string }[];
  /** The address of the page that is open. */
  active: string;
}

/**
 * Links between pages that belong together, in the looks of tabs. PatternFly's own Tabs tell screen readers of tabs and
 * panels also where they are links that lead to other pages.
 */
export function PageTabs({ label, pages, active }: PageTabsProps) {
  return (
    <PageSection type="tabs">
      <nav className={`${styles.tabs} ${styles.modifiers.pageInsets}`} aria-label={label}>
        <ul className={styles.tabsList}>
          {pages.map(({ title, path }) => {
            const isActive = path === active;
            return (
              <li key={path} className={`${styles.tabsItem} ${isActive ? styles.modifiers.current : ""}`}>
                <Link to={path} className={styles.tabsLink} aria-current={isActive ? "page" : undefined}>
                  <span className={styles.tabsItemText}>{title}</span>
                </Link>
              </li>
            );
          })}
        </ul>
      </nav>
    </PageSection>
  );
}
