import { equalIgnoreCase, isToken, lowerAscii } from "../base/bytes.ts";
import {
  type FieldList,
  fieldCount,
  fieldFirst,
  fieldJoined,
  fieldSet,
  isFieldValue,
  listItems,
} from "./field-list.ts";

/** How several lines of one field become one: the first alone, or all joined by ", " or by "; ". */
export type FieldLines = "first" | "comma" | "semicolon";

/** One request field that goes from the player to the origin, in the case in which it goes. */
export type RequestFieldRow = { name: string; lines: FieldLines };

/** One response field: `store` keeps it in the entry, else it only passes by; `each` passes every line on its own. */
export type ResponseFieldRow = { name: string; lines: FieldLines; store: boolean; each: boolean };

/** The player's fields that go upstream, in this order and case (R-FIELD-6). */
export const requestFieldTable: RequestFieldRow[] = [
  { name: "User-Agent", lines: "first" },
  { name: "Accept", lines: "comma" },
  { name: "Accept-Language", lines: "comma" },
  { name: "Authorization", lines: "first" },
  { name: "Cookie", lines: "semicolon" },
  { name: "Referer", lines: "first" },
  { name: "Origin", lines: "first" },
  { name: "X-Playback-Session-Id", lines: "first" },
];

/** The origin's fields that an entry keeps or a response passes on, in this order and case (R-FIELD-11). */
export const responseFieldTable: ResponseFieldRow[] = [
  { name: "Content-Type", lines: "first", store: true, each: false },
  { name: "ETag", lines: "first", store: true, each: false },
  { name: "Last-Modified", lines: "first", store: true, each: false },
  { name: "Cache-Control", lines: "comma", store: true, each: false },
  { name: "Expires", lines: "first", store: true, each: false },
  { name: "Date", lines: "first", store: true, each: false },
  { name: "Age", lines: "first", store: true, each: false },
  { name: "Vary", lines: "comma", store: true, each: false },
  { name: "Content-Language", lines: "comma", store: true, each: false },
  { name: "Content-Disposition", lines: "first", store: true, each: false },
  { name: "Set-Cookie", lines: "first", store: false, each: true },
  { name: "Retry-After", lines: "first", store: false, each: false },
  { name: "WWW-Authenticate", lines: "comma", store: false, each: false },
];

/** Among configured names: all others. */
const everyName = "*";

/** Fields that belong to one connection (RFC 9110 section 7.6.1); they go no further in either direction. */
const hopByHopNames = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];

/** Request fields that the proxy writes itself or must not repeat, whatever the configuration says. */
const ownRequestNames = [
  "host",
  "range",
  "accept-encoding",
  "content-length",
  "expect",
  "max-forwards",
  "icy-metadata",
];

/** Response fields that the proxy writes itself or must not repeat, whatever the configuration says. */
const ownResponseNames = [
  "content-encoding",
  "content-length",
  "content-range",
  "accept-ranges",
  "location",
  "cache-status",
  "set-cookie",
];

/**
 * The fields of the upstream request that come from the player and the configuration: the table's, then those of
 * `extraNames` that the player sent, then `setFields`, which replace. Host, Range, conditions, Accept-Encoding and
 * Connection are not among them: who sends the request adds its own.
 */
export function upstreamRequestFields(playerFields: FieldList, extraNames: string[], setFields: FieldList): FieldList {
  const fields: FieldList = [];
  const nominated = connectionOptions(playerFields);
  for (const row of requestFieldTable) {
    // R-FIELD-6
    copyField(playerFields, row.name, row.lines, nominated, fields);
  }
  for (const name of extraNames) {
    // R-FIELD-7
    if (name === everyName) {
      copyOthers(playerFields, isRebuiltRequestName, nominated, fields);
    } else if (!isRebuiltRequestName(lowerAscii(name))) {
      copyField(playerFields, name, "comma", nominated, fields);
    }
  }
  addSetFields(fields, setFields);
  return fields;
}

/** The player's fields of a request that passes through: all but the connection's and the proxy's own, then `setFields`. */
export function passedRequestFields(playerFields: FieldList, setFields: FieldList): FieldList {
  const fields: FieldList = [];
  const nominated = connectionOptions(playerFields);
  for (let at = 0; at + 1 < playerFields.length; at += 2) {
    const name = playerFields[at] ?? "";
    const lowerName = lowerAscii(name);
    // R-PASS-1: conditions and ranges are the origin's to judge.
    const isFree = lowerName === "range" || lowerName === "content-length";
    const isOwn = !isFree && holdsName(ownRequestNames, lowerName);
    if (!isOwn && !holdsName(hopByHopNames, lowerName)) {
      copyField(playerFields, name, lowerName === "cookie" ? "semicolon" : "comma", nominated, fields);
    }
  }
  addSetFields(fields, setFields);
  return fields;
}

/** Whether the player's field of this name, in lower case, goes upstream: by the table or by configuration. */
export function isForwardedName(lowerName: string, extraNames: string[]): boolean {
  for (const row of requestFieldTable) {
    if (equalIgnoreCase(row.name, lowerName)) {
      return true;
    }
  }
  return !isRebuiltRequestName(lowerName) && (holdsName(extraNames, lowerName) || extraNames.includes(everyName));
}

/** The origin's fields that an entry keeps: the table's that are stored, then `extraNames`, each name once. */
export function storedResponseFields(originFields: FieldList, extraNames: string[]): FieldList {
  const fields: FieldList = [];
  const nominated = connectionOptions(originFields);
  for (const row of responseFieldTable) {
    // R-FIELD-11
    if (row.store) {
      copyField(originFields, row.name, row.lines, nominated, fields);
    }
  }
  for (const name of extraNames) {
    // R-FIELD-12
    if (name === everyName) {
      copyOthers(originFields, isRebuiltResponseName, nominated, fields);
    } else if (!isRebuiltResponseName(lowerAscii(name))) {
      copyField(originFields, name, "comma", nominated, fields);
    }
  }
  return fields;
}

/** The origin's fields for a response that is not stored: the stored ones, and those that only pass by. */
export function passedResponseFields(originFields: FieldList, extraNames: string[]): FieldList {
  const fields = storedResponseFields(originFields, extraNames);
  const nominated = connectionOptions(originFields);
  for (const row of responseFieldTable) {
    // R-FIELD-13
    if (row.each) {
      copyEach(originFields, row.name, nominated, fields);
    } else if (!row.store) {
      copyField(originFields, row.name, row.lines, nominated, fields);
    }
  }
  return fields;
}

function addSetFields(fields: FieldList, setFields: FieldList): void {
  for (let at = 0; at + 1 < setFields.length; at += 2) {
    const name = setFields[at] ?? "";
    const value = setFields[at + 1] ?? "";
    // R-FIELD-8
    if (!isRebuiltRequestName(lowerAscii(name)) && isToken(name) && isFieldValue(value)) {
      fieldSet(fields, name, value);
    }
  }
}

/** Copies every field that is not the proxy's own, in the message's order and case. */
function copyOthers(
  from: FieldList,
  isRebuilt: (lowerName: string) => boolean,
  nominated: string[],
  to: FieldList,
): void {
  for (let at = 0; at + 1 < from.length; at += 2) {
    const name = from[at] ?? "";
    // R-FIELD-16
    if (!isRebuilt(lowerAscii(name))) {
      copyField(from, name, "comma", nominated, to);
    }
  }
}

/** Copies one field as one line, unless it is absent, already there, unsafe, or nominated by Connection. */
function copyField(from: FieldList, name: string, lines: FieldLines, nominated: string[], to: FieldList): void {
  const value = fieldByLines(from, name, lines);
  // R-FIELD-10
  if (value === null || !isFieldValue(value) || !isToken(name)) {
    return;
  }
  if (!holdsName(nominated, name) && fieldCount(to, name) === 0) {
    to.push(name, value);
  }
}

function copyEach(from: FieldList, name: string, nominated: string[], to: FieldList): void {
  if (holdsName(nominated, name)) {
    return;
  }
  for (let at = 0; at + 1 < from.length; at += 2) {
    const value = from[at + 1] ?? "";
    if (equalIgnoreCase(from[at] ?? "", name) && isFieldValue(value)) {
      to.push(name, value);
    }
  }
}

function fieldByLines(fields: FieldList, name: string, lines: FieldLines): string | null {
  switch (lines) {
    case "first":
      return fieldFirst(fields, name);
    case "comma":
      return fieldJoined(fields, name, ", ");
    case "semicolon":
      return fieldJoined(fields, name, "; ");
  }
}

/** The names that the message's Connection field nominates. */
function connectionOptions(fields: FieldList): string[] {
  const value = fieldJoined(fields, "connection", ", ");
  // R-FIELD-9
  return value === null ? [] : listItems(value);
}

function isRebuiltRequestName(lowerName: string): boolean {
  // R-FIELD-14
  return lowerName.startsWith("if-") || holdsName(hopByHopNames, lowerName) || holdsName(ownRequestNames, lowerName);
}

function isRebuiltResponseName(lowerName: string): boolean {
  // R-FIELD-15
  if (lowerName.startsWith("access-control-")) {
    return true;
  }
  return holdsName(hopByHopNames, lowerName) || holdsName(ownResponseNames, lowerName);
}

function holdsName(names: string[], name: string): boolean {
  for (const one of names) {
    if (equalIgnoreCase(one, name)) {
      return true;
    }
  }
  return false;
}
