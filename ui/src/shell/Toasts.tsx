import { Alert, AlertActionCloseButton, AlertGroup } from "@patternfly/react-core";
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";

interface Toast {
  id: number;
  variant: "success" | "danger";
  title: string;
  body?: ReactNode;
}

type Say = (toast: Omit<Toast, "id">) => void;

const STAYS_MILLISECONDS = 8_000;

const ToastContext = createContext<Say>(() => undefined);

/** Tells the reader, for a moment, how something they did went. */
export function useToast(): Say {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const lastId = useRef(0);
  const say = useCallback<Say>((toast) => {
    lastId.current += 1;
    const id = lastId.current;
    setToasts((before) => [...before, { ...toast, id }]);
  }, []);
  const remove = (id: number) => setToasts((before) => before.filter((toast) => toast.id !== id));

  return (
    <ToastContext value={say}>
      {children}
      <AlertGroup isToast isLiveRegion>
        {toasts.map(({ id, variant, title, body }) => (
          <Alert
            key={id}
            variant={variant}
            title={title}
            timeout={variant === "success" ? STAYS_MILLISECONDS : false}
            onTimeout={() => remove(id)}
            actionClose={<AlertActionCloseButton onClose={() => remove(id)} />}
          >
            {body}
          </Alert>
        ))}
      </AlertGroup>
    </ToastContext>
  );
}
