import { equalIgnoreCase, integerMax, parseDigits, trimOws } from "../base/bytes.ts";

/** What a Range field asks for, before the length is known. Offsets in bytes; `last` is inclusive, -1 when open. */
export type RangeSpec =
  | { kind: "none" }
  | { kind: "ignored" }
  | { kind: "from"; first: number; last: number }
  | { kind: "suffix"; length: number };

/** A Range field against a known length. `start` inclusive, `end` exclusive, in bytes. */
export type ResolvedRange =
  | { kind: "whole" }
  | { kind: "part"; start: number; end: number }
  | { kind: "unsatisfiable" };

/** What a Content-Range field says. `first` and `last` inclusive, in bytes; `total` is -1 when the origin wrote "*". */
export type ContentRange =
  | { kind: "range"; first: number; last: number; total: number }
  | { kind: "unsatisfied"; total: number }
  | { kind: "invalid" };

/** Reads a Range field (RFC 9110 section 14.2); anything but one well-formed byte range is "ignored". */
export function parseRange(value: string | null): RangeSpec {
  if (value === null) {
    return { kind: "none" };
  }
  const equals = value.indexOf("=");
  // R-RANGE-1
  if (equals < 0 || !equalIgnoreCase(trimOws(value.slice(0, equals)), "bytes")) {
    return { kind: "ignored" };
  }
  const spec = onlyItem(value.slice(equals + 1));
  const dash = spec.indexOf("-");
  // R-RANGE-2: no item, several items and an item without a dash all come out here.
  if (dash < 0) {
    return { kind: "ignored" };
  }
  const lastText = spec.slice(dash + 1);
  const last = parseDigits(lastText);
  // R-RANGE-3
  if (dash === 0) {
    return last < 0 ? { kind: "ignored" } : { kind: "suffix", length: last };
  }
  const first = parseDigits(spec.slice(0, dash));
  const open = lastText.length === 0;
  // R-RANGE-4
  if (first < 0 || (!open && last < first)) {
    return { kind: "ignored" };
  }
  return { kind: "from", first, last: open ? -1 : last };
}

/** Lays what was asked for over a resource of `total` bytes (RFC 9110 section 14.1.2). */
export function resolveRange(spec: RangeSpec, total: number): ResolvedRange {
  if (spec.kind === "none" || spec.kind === "ignored") {
    return { kind: "whole" };
  }
  if (spec.kind === "suffix") {
    // R-RANGE-6
    if (spec.length === 0 || total === 0) {
      return { kind: "unsatisfiable" };
    }
    return { kind: "part", start: spec.length < total ? total - spec.length : 0, end: total };
  }
  // R-RANGE-7
  if (spec.first >= total) {
    return { kind: "unsatisfiable" };
  }
  // R-RANGE-5
  return { kind: "part", start: spec.first, end: spec.last < 0 || spec.last >= total ? total : spec.last + 1 };
}

/** Reads a Content-Range field (RFC 9110 section 14.4); one that contradicts itself is "invalid". */
export function parseContentRange(value: string | null): ContentRange {
  const text = value === null ? "" : trimOws(value);
  const space = text.indexOf(" ");
  // R-RANGE-8
  if (space < 0 || !equalIgnoreCase(text.slice(0, space), "bytes")) {
    return { kind: "invalid" };
  }
  const rest = trimOws(text.slice(space + 1));
  const slash = rest.indexOf("/");
  if (slash < 0) {
    return { kind: "invalid" };
  }
  const rangeBefore = rest.slice(0, slash);
  const totalText = rest.slice(slash + 1);
  const total = exactDigits(totalText);
  if (rangeBefore === "*") {
    return total < 0 ? { kind: "invalid" } : { kind: "unsatisfied", total };
  }
  const dash = rangeBefore.indexOf("-");
  const first = dash < 0 ? -1 : exactDigits(rangeBefore.slice(0, dash));
  const last = dash < 0 ? -1 : exactDigits(rangeBefore.slice(dash + 1));
  // R-RANGE-9
  if (first < 0 || last < first || (totalText !== "*" && total <= last)) {
    return { kind: "invalid" };
  }
  return { kind: "range", first, last, total };
}

/** The Content-Range of a 206: `start` inclusive, `end` exclusive, in bytes; total -1 writes "*" (R-RANGE-10). */
export function contentRangeText(start: number, end: number, total: number): string {
  // R-RANGE-10
  return `bytes ${start}-${end - 1}/${total < 0 ? "*" : total}`;
}

/** The Content-Range of a 416 for a resource of `total` bytes (RFC 9110 section 15.5.17). */
export function unsatisfiedRangeText(total: number): string {
  // R-RANGE-11
  return `bytes */${total}`;
}

/** The Range field that asks for `start` inclusive to `end` exclusive, in bytes; end -1 leaves it open (R-RANGE-12). */
export function rangeText(start: number, end: number): string {
  // R-RANGE-12
  return end < 0 ? `bytes=${start}-` : `bytes=${start}-${end - 1}`;
}

/** The one element of a comma list that is not empty; "" when there is none or more than one. */
function onlyItem(list: string): string {
  let found = "";
  let start = 0;
  while (start <= list.length) {
    const comma = list.indexOf(",", start);
    const end = comma < 0 ? list.length : comma;
    const item = trimOws(list.slice(start, end));
    if (item.length > 0 && found.length > 0) {
      return "";
    }
    found = item.length > 0 ? item : found;
    start = end + 1;
  }
  return found;
}

/** As parseDigits, but a number past the exact integers is -1: what an origin declares is stored, so it must be true. */
function exactDigits(text: string): number {
  const value = parseDigits(text);
  return value === integerMax ? -1 : value;
}
