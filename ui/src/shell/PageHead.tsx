import { Breadcrumb, BreadcrumbItem, Content, Flex, FlexItem, PageSection, Title } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Link } from "react-router";

interface PageHeadProps {
  /** What the page is about, also in the browser's list of windows. */
  title: string;
  /** Pages above this one, outermost first. */
  above?: readonly { title: string; path: string }[];
  /** Beside the title. */
  labels?: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
}

export function PageHead({ title, above = [], labels, description, actions }: PageHeadProps) {
  return (
    <PageSection>
      <title>{`${title} · Deadlight`}</title>
      {above.length > 0 && (
        <Breadcrumb className="dl-breadcrumb">
          {above.map((page) => (
            <BreadcrumbItem
              key={page.path}
              render={(item) => (
                <Link {...item} to={page.path}>
                  {page.title}
                </Link>
              )}
            />
          ))}
          <BreadcrumbItem isActive>{title}</BreadcrumbItem>
        </Breadcrumb>
      )}
      <Flex justifyContent={{ default: "justifyContentSpaceBetween" }} alignItems={{ default: "alignItemsFlexStart" }}>
        <FlexItem flex={{ default: "flex_1" }}>
          <Flex alignItems={{ default: "alignItemsCenter" }} columnGap={{ default: "columnGapMd" }}>
            <Title headingLevel="h1" className="dl-break">
              {title}
            </Title>
            {labels}
          </Flex>
          {description && <Content component="p">{description}</Content>}
        </FlexItem>
        {actions && <FlexItem>{actions}</FlexItem>}
      </Flex>
    </PageSection>
  );
}
