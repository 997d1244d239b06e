/** Options as command line arguments, by the reference server's option table. */
import { optionTable } from "../../server/options.ts";

/** The arguments for options in their own names. Throws for a name that the table does not have. */
export function serverArguments(options: Record<string, unknown>): string[] {
  const words = ["--json"];
  for (const [name, value] of Object.entries(options)) {
    const row = optionTable.find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`no option is named ${name}`);
    words.push(...argumentsOf(`--${row.flag}`, row.kind, value));
  }
  return words;
}

function argumentsOf(flag: string, kind: string, value: unknown): string[] {
  if (kind === "flag") {
    // The flags that are on unless said otherwise are written `--no-…` and the others plainly.
    const on = ["--keep-alive", "--cors"].includes(flag);
    if (value === on) return [];
    return [on ? `--no-${flag.slice(2)}` : flag];
  }
  if (kind === "limits" && typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, limit]) => [flag, `${name}=${String(limit)}`]);
  }
  if (kind === "fields" && Array.isArray(value)) {
    return value.flatMap((name: unknown, at) =>
      at % 2 === 0 ? [flag, `${String(name)}: ${String(value[at + 1])}`] : [],
    );
  }
  if (Array.isArray(value)) return value.flatMap((one: unknown) => [flag, String(one)]);
  return value === null ? [] : [flag, String(value)];
}
