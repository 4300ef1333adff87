/** The service's own bound, said before it has to refuse. */
export const MIN_PASSWORD_LENGTH = 12;

/** What is wrong with a new password; empty when nothing is. */
export function passwordMistake(oldPassword: string, newPassword: string): string {
  if (newPassword.length < MIN_PASSWORD_LENGTH) {
    return `A password has at least ${MIN_PASSWORD_LENGTH} characters.`;
  }
  return newPassword === oldPassword ? "The new password is the old one: choose another." : "";
}
