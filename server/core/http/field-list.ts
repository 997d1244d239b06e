import { equalIgnoreCase, trimOws } from "../base/bytes.ts";

/**
 * The fields of one message head: name, value, name, value, in the order and case of the wire (RFC 9110 section 5).
 * Names and values are byte strings; names compare without case.
 */
export type FieldList = string[];

/** The value of the first field of that name, null when there is none. */
export function fieldFirst(fields: FieldList, name: string): string | null {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    // R-FIELD-1
    if (equalIgnoreCase(fields[at] ?? "", name)) {
      return fields[at + 1] ?? "";
    }
  }
  return null;
}

/** How many fields of that name there are. */
export function fieldCount(fields: FieldList, name: string): number {
  let count = 0;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (equalIgnoreCase(fields[at] ?? "", name)) {
      count += 1;
    }
  }
  return count;
}

/** The values of all fields of that name, joined by ", " in order (RFC 9110 section 5.3); null when there is none. */
export function fieldCombined(fields: FieldList, name: string): string | null {
  return fieldJoined(fields, name, ", ");
}

/** The values of all fields of that name, joined by `separator` in order; null when there is none. */
export function fieldJoined(fields: FieldList, name: string, separator: string): string | null {
  let joined: string | null = null;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (equalIgnoreCase(fields[at] ?? "", name)) {
      const value = fields[at + 1] ?? "";
      // R-FIELD-2
      joined = joined === null ? value : joined + separator + value;
    }
  }
  return joined;
}

/**
 * The elements of a comma-separated list, white space trimmed, empty ones dropped (RFC 9110 section 5.6.1.2).
 * A comma inside a quoted string separates nothing; an unclosed quote runs to the end.
 */
export function listItems(value: string): string[] {
  const items: string[] = [];
  let start = 0;
  let quoted = false;
  let at = 0;
  while (at < value.length) {
    const code = value.charCodeAt(at);
    // R-FIELD-3
    if (quoted && code === 92) {
      at += 1;
    } else if (code === 34) {
      quoted = !quoted;
    } else if (code === 44 && !quoted) {
      appendItem(items, value.slice(start, at));
      start = at + 1;
    }
    at += 1;
  }
  appendItem(items, value.slice(start));
  return items;
}

/** Gives the field that value: the first of the name is replaced where it stands, others of it go, or it is appended. */
export function fieldSet(fields: FieldList, name: string, value: string): void {
  let kept = 0;
  let placed = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const same = equalIgnoreCase(fields[at] ?? "", name);
    // R-FIELD-4
    if (same && placed) {
      continue;
    }
    fields[kept] = same ? name : (fields[at] ?? "");
    fields[kept + 1] = same ? value : (fields[at + 1] ?? "");
    kept += 2;
    placed = placed || same;
  }
  fields.splice(kept);
  if (!placed) {
    fields.push(name, value);
  }
}

/** Removes every field of that name. */
export function fieldRemove(fields: FieldList, name: string): void {
  let kept = 0;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (equalIgnoreCase(fields[at] ?? "", name)) {
      continue;
    }
    fields[kept] = fields[at] ?? "";
    fields[kept + 1] = fields[at + 1] ?? "";
    kept += 2;
  }
  fields.splice(kept);
}

/** True when the value may stand in a field line: no control byte but the tab (RFC 9110 section 5.5). */
export function isFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    // R-FIELD-5
    if ((code < 32 && code !== 9) || code === 127) {
      return false;
    }
  }
  return true;
}

function appendItem(items: string[], text: string): void {
  const item = trimOws(text);
  if (item.length > 0) {
    items.push(item);
  }
}
