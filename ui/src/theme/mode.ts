/** What the reader chose; `system` follows the operating system. */
export const CHOICES = ["system", "light", "dark"] as const;
export type Choice = (typeof CHOICES)[number];
export type Mode = "light" | "dark";

const STORAGE_KEY = "deadlight.theme";
const DARK_CLASS = "pf-v6-theme-dark";

/** The theme to show for a choice. */
export function modeOf(choice: Choice, systemIsDark: boolean): Mode {
  if (choice === "system") {
    return systemIsDark ? "dark" : "light";
  }
  return choice;
}

/** What was chosen in this browser before. Anything unknown counts as no choice. */
export function readChoice(storage: Storage): Choice {
  const stored = storage.getItem(STORAGE_KEY);
  return CHOICES.find((choice) => choice === stored) ?? "system";
}

/** Remembers a choice for the next visit. */
export function writeChoice(storage: Storage, choice: Choice): void {
  storage.setItem(STORAGE_KEY, choice);
}

/** Makes the document light or dark. */
export function applyMode(mode: Mode): void {
  document.documentElement.classList.toggle(DARK_CLASS, mode === "dark");
}
