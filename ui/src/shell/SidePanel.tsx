import {
  Button,
  DrawerActions,
  DrawerCloseButton,
  DrawerHead,
  DrawerPanelBody,
  DrawerPanelContent,
  Flex,
  Skeleton,
  Title,
} from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Failure } from "../states/Failure";

interface SidePanelProps<Data> {
  /** Names it among the ids of the page: "detection". */
  id: string;
  title: string;
  /** What cannot be shown where asking fails: "this detection". */
  subject: string;
  /** How wide it is until somebody makes it wider. */
  width: string;
  /** How high it is while nothing is known yet. */
  height?: string;
  query: { data: Data | undefined; error: unknown; refetch: () => unknown };
  close: () => void;
  children: (data: Data) => ReactNode;
}

/** One entry beside its list: on its way, or why it is not there, or what it is. */
export function SidePanel<Data>({
  id,
  title,
  subject,
  width,
  height = "20rem",
  query: { data, error, refetch },
  close,
  children,
}: SidePanelProps<Data>) {
  const titleId = `${id}-title`;
  return (
    <DrawerPanelContent
      isResizable
      defaultSize={width}
      minSize="24rem"
      focusTrap={{ enabled: true, "aria-labelledby": titleId }}
    >
      <DrawerHead>
        <Title headingLevel="h2" size="lg" id={titleId} className="dl-break">
          {title}
        </Title>
        <DrawerActions>
          <DrawerCloseButton onClick={close} />
        </DrawerActions>
      </DrawerHead>
      <DrawerPanelBody>
        {Boolean(error) && !data && <Failure subject={subject} error={error} retry={() => void refetch()} />}
        {!error && !data && <Skeleton height={height} screenreaderText="Loading" />}
        {data && children(data)}
      </DrawerPanelBody>
    </DrawerPanelContent>
  );
}

/** A part of a panel, under its heading. */
export function Section({ id, title, children }: { id: string; title: string; children: ReactNode }) {
  return (
    <section aria-labelledby={`${id}-title`}>
      <Title headingLevel="h3" id={`${id}-title`}>
        {title}
      </Title>
      {children}
    </section>
  );
}

/** What can be done about the entry, beside one another. */
export function PanelActions({ actions }: { actions: readonly { title: string; act: () => void }[] }) {
  return (
    <Flex columnGap={{ default: "columnGapSm" }}>
      {actions.map(({ title, act }) => (
        <Button key={title} variant="secondary" size="sm" onClick={act}>
          {title}
        </Button>
      ))}
    </Flex>
  );
}
