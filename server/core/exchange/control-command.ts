/**
 * Control: what a program on this device may ask of the proxy besides playing. Everything stands in the request's path
 * and query, so that no command has content. Pages are kept out: a browser says that a request is from one.
 */
import { parseDigits, percentDecode } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldFirst } from "../http/field-list.ts";
import { withoutFragment } from "../http/uri-reference.ts";
import { milliseconds } from "../playlist/playlist-kind.ts";
import type { PreloadAmount } from "../playlist/preload-parts.ts";
import type { VariantWish } from "../playlist/variant-list.ts";
import { isUpstreamUrl, lowerScheme } from "../route/request-target.ts";
import type { WindowShape } from "./feed-window.ts";
import type { PreloadOrder } from "./preload-table.ts";

/** A command, or why there is none. */
export type ControlCommand =
  | { kind: "entries"; after: number; max: number }
  | { kind: "status"; url: string }
  | { kind: "preloads" }
  | { kind: "preload"; order: PreloadOrder }
  | { kind: "cancel"; id: number }
  | { kind: "window"; urls: string[]; index: number; shape: WindowShape }
  | { kind: "pin"; url: string; pinned: boolean }
  | { kind: "remove"; url: string }
  | { kind: "refused"; code: ErrorCode; detail: string };

/** What a command that changes something must carry: no page can send it to another site without being asked first. */
export const controlField = "reelcache-control";

/** Highest priority that can be asked for; the window of a feed goes before all of them. */
export const priorityMax = 9;

/** Resources in one page of the list. */
export const pageMax = 1_000;

/** Whether a path of the proxy's own is one of control. */
export function isControlPath(path: string): boolean {
  return path.startsWith(controlPath);
}

/** Why a request may not control the proxy, in spite of its Host field and secret; null when it may. */
export function controlFault(method: string, fields: FieldList): string | null {
  const site = fieldFirst(fields, "sec-fetch-site");
  // R-CTRL-2: to a browser, a page that the proxy passes on from another site is one of the proxy's own.
  if (fieldFirst(fields, "origin") !== null || (site !== null && site !== "none")) return "the request is from a page";
  // R-CTRL-3
  if (method === "POST" && fieldFirst(fields, controlField) === null)
    return "a command needs the field Reelcache-Control";
  return null;
}

/** The command that a method, a path and a query mean. */
export function controlCommand(method: string, path: string, query: string): ControlCommand {
  const name = path.slice(controlPath.length);
  const row = commandRows.find((one) => one.name === name);
  if (row === undefined) return { kind: "refused", code: "not-found", detail: "there is no such command" };
  // R-CTRL-1
  if ((method === "POST") !== row.posted)
    return wrong(row.posted ? "this command is posted" : "this is asked for with GET");
  const parameters = readParameters(query, row.parameters);
  return parameters === null ? wrong(`the parameters are: ${row.parameters.join(", ")}`) : row.read(parameters);
}

const controlPath = "/control/";

type Parameters = { name: string; value: string }[];

type CommandRow = {
  name: string;
  posted: boolean;
  parameters: string[];
  read: (parameters: Parameters) => ControlCommand;
};

const commandRows: CommandRow[] = [
  { name: "entries", posted: false, parameters: ["after", "limit"], read: readEntries },
  {
    name: "status",
    posted: false,
    parameters: ["url"],
    read: (given) => withUrl(given, (url) => ({ kind: "status", url })),
  },
  { name: "preloads", posted: false, parameters: [], read: () => ({ kind: "preloads" }) },
  {
    name: "preload",
    posted: true,
    parameters: ["url", "seconds", "segments", "bytes", "bandwidth", "height", "index", "subtitles", "priority"],
    read: readPreload,
  },
  { name: "cancel", posted: true, parameters: ["id"], read: readCancel },
  {
    name: "window",
    posted: true,
    parameters: ["url", "index", "ahead", "behind", "seconds", "segments", "bytes"],
    read: readWindow,
  },
  { name: "pin", posted: true, parameters: ["url"], read: (given) => withUrl(given, (url) => pin(url, true)) },
  { name: "unpin", posted: true, parameters: ["url"], read: (given) => withUrl(given, (url) => pin(url, false)) },
  {
    name: "remove",
    posted: true,
    parameters: ["url"],
    read: (given) => withUrl(given, (url) => ({ kind: "remove", url })),
  },
];

function wrong(detail: string): ControlCommand {
  return { kind: "refused", code: "bad-command", detail };
}

function pin(url: string, pinned: boolean): ControlCommand {
  return { kind: "pin", url, pinned };
}

/** The parameters, decoded; null when one is unknown or malformed. */
function readParameters(query: string, names: string[]): Parameters | null {
  const parameters: Parameters = [];
  for (const piece of query.split("&")) {
    if (piece === "") continue;
    const equals = piece.indexOf("=");
    const name = equals < 0 ? piece : piece.slice(0, equals);
    const value = percentDecode(equals < 0 ? "" : piece.slice(equals + 1));
    if (!names.includes(name) || value === null) return null;
    parameters.push({ name, value });
  }
  return parameters;
}

function textOf(parameters: Parameters, name: string): string | null {
  return parameters.find((parameter) => parameter.name === name)?.value ?? null;
}

/** A whole number from 0 to `max`; the default when it is absent, -1 when it is none. */
function countOf(parameters: Parameters, name: string, absent: number, max: number): number {
  const text = textOf(parameters, name);
  if (text === null) return absent;
  const count = parseDigits(text);
  return count > max ? -1 : count;
}

/** An upstream URL as players ask for it; "" when it is none. */
function upstreamUrl(text: string | null): string {
  return text !== null && isUpstreamUrl(text) ? lowerScheme(withoutFragment(text)) : "";
}

function withUrl(parameters: Parameters, make: (url: string) => ControlCommand): ControlCommand {
  const url = upstreamUrl(textOf(parameters, "url"));
  return url === "" ? badUrl : make(url);
}

const badUrl: ControlCommand = { kind: "refused", code: "bad-url", detail: "url must be an http or https URL" };

function readEntries(parameters: Parameters): ControlCommand {
  const after = countOf(parameters, "after", 0, Number.MAX_SAFE_INTEGER);
  const max = countOf(parameters, "limit", 100, pageMax);
  if (after < 0 || max < 1) return wrong(`after is an id, limit a number from 1 to ${pageMax}`);
  return { kind: "entries", after, max };
}

function readCancel(parameters: Parameters): ControlCommand {
  const id = countOf(parameters, "id", -1, Number.MAX_SAFE_INTEGER);
  return id < 0 ? wrong("id is the number of a preload") : { kind: "cancel", id };
}

function readPreload(parameters: Parameters): ControlCommand {
  const amount = readAmount(parameters);
  const variant = readVariant(parameters);
  const priority = countOf(parameters, "priority", 0, priorityMax);
  if (amount === null) return wrong("one of seconds, segments and bytes may be given, above 0");
  if (variant === null) return wrong("one of bandwidth, height and index may be given");
  if (priority < 0) return wrong(`priority is a number from 0 to ${priorityMax}`);
  const subtitles = textOf(parameters, "subtitles");
  // Who says that there shall be none must not get them.
  if (subtitles !== null && subtitles !== "") return wrong("subtitles has no value");
  return withUrl(parameters, (url) => ({
    kind: "preload",
    order: { url, amount, variant, subtitles: subtitles !== null, priority },
  }));
}

function readWindow(parameters: Parameters): ControlCommand {
  const urls: string[] = [];
  for (const { name, value } of parameters) {
    if (name === "url") urls.push(upstreamUrl(value));
  }
  const amount = readAmount(parameters);
  const index = countOf(parameters, "index", 0, Number.MAX_SAFE_INTEGER);
  const ahead = countOf(parameters, "ahead", 1, Number.MAX_SAFE_INTEGER);
  const behind = countOf(parameters, "behind", 0, Number.MAX_SAFE_INTEGER);
  if (urls.includes("")) return badUrl;
  if (amount === null) return wrong("one of seconds, segments and bytes may be given, above 0");
  if (index < 0 || ahead < 0 || behind < 0) return wrong("index, ahead and behind are whole numbers");
  return { kind: "window", urls, index, shape: { ahead, behind, amount } };
}

/** How much is to be preloaded; null when it is said twice, or is nothing. */
function readAmount(parameters: Parameters): PreloadAmount | null {
  const found: PreloadAmount[] = [];
  for (const { name, value } of parameters) {
    if (name === "seconds") found.push({ unit: "milliseconds", count: milliseconds(value) });
    if (name === "segments") found.push({ unit: "segments", count: parseDigits(value) });
    if (name === "bytes") found.push({ unit: "bytes", count: parseDigits(value) });
  }
  // R-PRE-7
  if (found.length === 0) return { unit: "all", count: 0 };
  const first = found[0];
  return found.length === 1 && first !== undefined && first.count > 0 ? first : null;
}

/** Which variant; null when it is said twice, or is no number. */
function readVariant(parameters: Parameters): VariantWish | null {
  const found: VariantWish[] = [];
  for (const { name, value } of parameters) {
    if (name === "bandwidth" || name === "height" || name === "index")
      found.push({ by: name, value: parseDigits(value) });
  }
  if (found.length === 0) return { by: "first", value: 0 };
  const first = found[0];
  return found.length === 1 && first !== undefined && first.value >= 0 ? first : null;
}
