import { ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import DesktopIcon from "@patternfly/react-icons/dist/esm/icons/desktop-icon";
import MoonIcon from "@patternfly/react-icons/dist/esm/icons/moon-icon";
import SunIcon from "@patternfly/react-icons/dist/esm/icons/sun-icon";
import type { ReactNode } from "react";
import { CHOICES, type Choice } from "./mode";
import { useTheme } from "./Theme";

const LOOKS: Record<Choice, { icon: ReactNode; label: string }> = {
  system: { icon: <DesktopIcon />, label: "Theme of the system" },
  light: { icon: <SunIcon />, label: "Light theme" },
  dark: { icon: <MoonIcon />, label: "Dark theme" },
};

export function ThemeToggle() {
  const theme = useTheme();
  return (
    <ToggleGroup aria-label="Theme">
      {CHOICES.map((choice) => (
        <ToggleGroupItem
          key={choice}
          icon={LOOKS[choice].icon}
          aria-label={LOOKS[choice].label}
          isSelected={theme.choice === choice}
          onChange={() => theme.choose(choice)}
        />
      ))}
    </ToggleGroup>
  );
}
