import { Button } from "@patternfly/react-core";

interface LoadMoreProps {
  shown: number;
  total: number;
  hasMore: boolean;
  isLoading: boolean;
  load: () => void;
}

/** How far a list is open, and the way on. */
export function LoadMore({ shown, total, hasMore, isLoading, load }: LoadMoreProps) {
  return (
    <div className="dl-more">
      <span aria-live="polite">
        {shown} of {total}
      </span>
      {hasMore && (
        <Button variant="secondary" isLoading={isLoading} isDisabled={isLoading} onClick={load}>
          Load more
        </Button>
      )}
    </div>
  );
}
