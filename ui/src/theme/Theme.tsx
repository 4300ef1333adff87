import {
  createContext,
  type ReactNode,
  useContext,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { applyMode, type Choice, type Mode, modeOf, readChoice, writeChoice } from "./mode";

interface Theme {
  choice: Choice;
  mode: Mode;
  choose: (choice: Choice) => void;
}

const ThemeContext = createContext<Theme>({ choice: "system", mode: "light", choose: () => undefined });

/** The theme in use and how to choose another. */
export function useTheme(): Theme {
  return useContext(ThemeContext);
}

/** Keeps the document in the theme the reader chose. */
export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState(() => readChoice(localStorage));
  const mode = modeOf(choice, useSystemIsDark());
  useLayoutEffect(() => applyMode(mode), [mode]);
  const theme = useMemo(
    () => ({
      choice,
      mode,
      choose: (chosen: Choice) => {
        writeChoice(localStorage, chosen);
        setChoice(chosen);
      },
    }),
    [choice, mode],
  );
  return <ThemeContext value={theme}>{children}</ThemeContext>;
}

function useSystemIsDark(): boolean {
  const [query] = useState(() => window.matchMedia("(prefers-color-scheme: dark)"));
  return useSyncExternalStore(
    (notify) => {
      query.addEventListener("change", notify);
      return () => query.removeEventListener("change", notify);
    },
    () => query.matches,
  );
}
