/** What commands of the bench read from their arguments. */
import { InvalidArgumentError } from "commander";

/** Those whose name matches one of the globs, comma-separated, where * stands for anything; all of none. */
export function matching<T>(all: T[], nameOf: (one: T) => string, globs: string): T[] {
  if (globs === "") return all;
  const patterns = globs.split(",").map((glob) => {
    const escaped = glob.trim().replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("*", ".*")}$`);
  });
  return all.filter((one) => patterns.some((pattern) => pattern.test(nameOf(one))));
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError("a number from 1 to 999");
  return Number(text);
}
