/** What a good origin makes of Range and If-Range (RFC 9110 section 14.2, section 13.1.5). */

/** Bytes from `from`, up to and without `to`. */
export type Span = { from: number; to: number };

export function rangeOf(
  fields: [string, string][],
  bytes: number,
  etag: string | null,
  lastModified: string | null,
): Span | "whole" | "unsatisfiable" {
  const find = (lower: string): string | undefined => fields.find(([name]) => name.toLowerCase() === lower)?.[1];
  const match = /^bytes=(\d*)-(\d*)$/i.exec(find("range") ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return "whole";
  const condition = find("if-range");
  if (condition !== undefined && condition !== lastModified && (condition !== etag || condition.startsWith("W/"))) {
    return "whole";
  }
  if (match[1] === "") {
    const wanted = Math.min(Number(match[2]), bytes);
    return wanted === 0 ? "unsatisfiable" : { from: bytes - wanted, to: bytes };
  }
  const from = Number(match[1]);
  const to = match[2] === "" ? bytes : Math.min(Number(match[2]) + 1, bytes);
  if (from >= bytes) return "unsatisfiable";
  return to <= from ? "whole" : { from, to };
}
