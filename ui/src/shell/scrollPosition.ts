import { useEffect } from "react";
import { useLocation, useNavigationType } from "react-router";

/**
 * Going back leads to where the reader was on a page, going on starts at its top. The browser does that for windows;
 * here the page scrolls inside an element.
 */
export function useScrollPosition(elementId: string): void {
  const { key, pathname } = useLocation();
  const navigation = useNavigationType();

  useEffect(() => {
    const element = document.getElementById(elementId);
    if (element === null) {
      return undefined;
    }
    const storageKey = `deadlight.scroll.${key}`;
    if (navigation === "POP") {
      element.scrollTop = Number(sessionStorage.getItem(storageKey) ?? 0);
    }
    const remember = () => sessionStorage.setItem(storageKey, String(element.scrollTop));
    element.addEventListener("scroll", remember, { passive: true });
    return () => element.removeEventListener("scroll", remember);
  }, [elementId, key, navigation]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: only another page starts at its top, not another filter
  useEffect(() => {
    if (navigation !== "POP") {
      document.getElementById(elementId)?.scrollTo(0, 0);
    }
  }, [pathname]);
}
