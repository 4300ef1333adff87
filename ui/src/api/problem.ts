import { sentence } from "../facts/sentence";

/** Status of a problem when nothing answered at all. */
export const UNREACHABLE = 0;

/** Why the service did not do what it was asked; the message is the service's own and says what to do. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.code = code;
  }

  /** Whether asking again may help. */
  get isTransient(): boolean {
    return this.status === UNREACHABLE || this.status >= 500;
  }
}

/** The problem in an answer's body, or the one of having no answer. */
export function problemFrom(body: unknown, response: Response | undefined): Problem {
  if (response === undefined) {
    return new Problem(
      UNREACHABLE,
      "unreachable",
      "The service does not answer. It may be restarting or out of reach.",
    );
  }
  if (isRefusal(body)) {
    return new Problem(response.status, body.code, sentence(body.message));
  }
  return new Problem(response.status, "http_error", `The service answered ${response.status} without saying why.`);
}

/** Whatever was thrown, as a problem. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(UNREACHABLE, "unexpected", String(error));
}

function isRefusal(body: unknown): body is { code: string; message: string } {
  return typeof body === "object" && body !== null && "code" in body && "message" in body;
}
