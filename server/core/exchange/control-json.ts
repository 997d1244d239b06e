/** What control answers, as JSON: ASCII, members always in one order, times and lengths in milliseconds and bytes. */
import { spanBytes } from "../cache/span-set.ts";
import type { Body } from "../download/flight.ts";
import { fieldFirst } from "../http/field-list.ts";
import { contentTypeFor } from "../http/media-type.ts";
import { jsonString } from "../response/problem-body.ts";
import type { Preload } from "./preload-table.ts";
import type { Missing, PlayableWay, Presentation } from "./presentation.ts";

/** A stored resource. */
export function entryJson(body: Body): string {
  const entry = body.entry;
  const type = contentTypeFor(fieldFirst(entry.fields, "content-type"), entry.finalUrl);
  return object([
    ["id", String(entry.id)],
    ["url", jsonString(entry.url)],
    ["kind", jsonString(entry.kind)],
    ["type", jsonString(type)],
    ["bytes", String(spanBytes(entry.spans))],
    ["total", String(entry.total)],
    ["spans", numbers(entry.spans)],
    ["pinned", String(entry.pinned)],
    ["accessMs", String(entry.accessMs)],
  ]);
}

/** A page of stored resources; `next` is where the next page begins, 0 when this is the last. */
export function entriesJson(bodies: Body[], next: number): string {
  return object([
    ["entries", list(bodies.map(entryJson))],
    ["next", String(next)],
  ]);
}

/** What is stored of a presentation. */
export function presentationJson(status: Presentation): string {
  return object([
    ["url", jsonString(status.url)],
    ["kind", jsonString(status.kind)],
    ["entries", String(status.entries)],
    ["bytes", String(status.bytes)],
    ["total", String(status.total)],
    ["spans", numbers(status.spans)],
    ["pinned", String(status.pinned)],
    ["playable", String(status.playable)],
    ["complete", String(status.complete)],
    ["ways", list(status.ways.map(wayJson))],
    ["missing", list(status.missing.map(missingJson))],
  ]);
}

/** A preload and how far it came; what is not known yet of the whole is 0. */
export function preloadJson(preload: Preload): string {
  const { order } = preload;
  return object([
    ["id", String(preload.id)],
    ["url", jsonString(order.url)],
    ["state", jsonString(preload.state)],
    ["cause", jsonString(preload.cause)],
    ["bytes", String(preload.bytes)],
    ["segments", String(preload.segments)],
    ["milliseconds", String(preload.durationMs)],
    ["segmentsAll", String(preload.segmentsAll)],
    ["millisecondsAll", String(preload.durationAllMs)],
    ["priority", String(order.priority)],
  ]);
}

/** Preloads, in the given order. */
export function preloadsJson(preloads: Preload[]): string {
  return object([["preloads", list(preloads.map(preloadJson))]]);
}

/** A count under a name. */
export function countJson(name: string, count: number): string {
  return object([[name, String(count)]]);
}

function wayJson(way: PlayableWay): string {
  return object([
    ["url", jsonString(way.url)],
    ["bandwidth", String(way.bandwidth)],
    ["playable", String(way.playable)],
    ["complete", String(way.complete)],
    ["milliseconds", String(way.lengthMs)],
    ["ranges", numbers(way.times)],
  ]);
}

function missingJson(missing: Missing): string {
  return object([
    ["what", jsonString(missing.what)],
    ["url", jsonString(missing.url)],
    ["start", String(missing.start)],
    ["end", String(missing.end)],
  ]);
}

function object(members: [string, string][]): string {
  return `{${members.map(([name, value]) => `${jsonString(name)}:${value}`).join(",")}}`;
}

function list(texts: string[]): string {
  return `[${texts.join(",")}]`;
}

function numbers(values: number[]): string {
  return list(values.map(String));
}
