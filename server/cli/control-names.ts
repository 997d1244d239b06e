/** The commands for a cache, in the order in which help lists them. */
export type ControlName = "preload" | "ls" | "why" | "pin" | "unpin" | "rm";

export const controlNames: ControlName[] = ["preload", "ls", "why", "pin", "unpin", "rm"];

/** Whether an argument is the name of a command; a URL never is. */
export function isControlName(text: string | undefined): text is ControlName {
  return controlNames.some((name) => name === text);
}
