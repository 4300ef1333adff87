/** Who used a package, as the API tells it of the strongest evidence. */
export interface Evidence {
  evidence_program: string;
  evidence_pid: number | null;
  evidence_user: number | null;
  evidence_count: number | null;
}

/** Who it was and how often, in one line: "/usr/bin/python3, pid 8, user 33, seen 4 times". */
export function describeEvidence(evidence: Evidence): string {
  const { evidence_program: program, evidence_pid: pid, evidence_user: user, evidence_count: count } = evidence;
  const parts = [
    program,
    pid ? `pid ${pid}` : "",
    user === null ? "" : describeUser(user),
    count ? `seen ${count === 1 ? "once" : `${count} times`}` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** A user by the number that the host counts. */
export function describeUser(user: number): string {
  return user === 0 ? "user 0 (root)" : `user ${user}`;
}
