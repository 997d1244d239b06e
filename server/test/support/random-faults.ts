/** What a seeded run must not have done: to memory, to the origin, to a player. */
import { fieldFirst } from "../../core/http/field-list.ts";
import type { Simulator } from "./exchange-simulator.ts";
import type { RandomOrigin, RandomResource } from "./random-origin.ts";
import { pathOf, versionText } from "./random-origin.ts";
import { rewritten } from "./rewriting.ts";
import type { SimPlayer } from "./sim-player.ts";

/** Memory is bounded: what a flight holds, and how far it runs ahead. */
export function memoryFaults(sim: Simulator): string[] {
  const faults: string[] = [];
  for (const { flight } of sim.flights.values()) {
    const held = flight.position - flight.tailStart;
    // What the furthest reader has yet to take, and what one behind it has, each with a piece of up to 90 bytes.
    if (flight.state === "flowing" && held > 2 * (120 + 90)) faults.push(`f${flight.id} holds ${held} bytes in memory`);
  }
  return faults;
}

/** Bytes that came twice although their resource may be stored and asked for in parts. */
export function twiceFaults(origin: RandomOrigin): string[] {
  const faults: string[] = [];
  for (const resource of origin.resources) {
    const plain = resource.cacheControl === "" && resource.framing === "length" && resource.playlist === "";
    if (!plain || !resource.ranges || !isResumable(resource) || resource.path.endsWith(".m3u8")) continue;
    const twice = (origin.sent.get(resource.path) ?? []).findIndex((count) => count > 1);
    if (twice !== -1) faults.push(`byte ${twice} of ${resource.path} came twice`);
  }
  return faults;
}

/** Whether what is lost of it can be had again without mixing versions. */
function isResumable(resource: RandomResource): boolean {
  return (resource.validator === "etag" || resource.validator === "modified") && resource.framing === "length";
}

/** What a player can say against what it got. */
export function playerFaults(origin: RandomOrigin, player: SimPlayer, calm: boolean): string[] {
  const { exchange, head, received } = player;
  if (exchange === null || player.background) return [];
  const name = `${player.name} (${head?.status ?? "no head"}, ${player.end})`;
  if (player.end === "") return [`${name} never ended`];
  if (head === null) return player.end === "left" ? [] : [`${name} ended without a head`];
  const resource = origin.resources.find((one) => one.path === pathOf(exchange.url));
  if (resource === undefined || (head.status !== 200 && head.status !== 206)) {
    const known = [206, 304, 403, 404, 416, 500, 502, 503, 504].includes(head.status);
    return known ? [] : [`${name} got a status of nobody`];
  }
  if (calm && player.end === "cut" && isResumable(resource)) return [`${name} was cut in fair weather`];
  const length = fieldFirst(head.fields, "content-length");
  if (player.end === "whole" && exchange.method === "GET" && length !== null && received.length !== Number(length)) {
    return [`${name} got ${received.length} bytes of ${length}`];
  }
  const range = fieldFirst(head.fields, "content-range");
  const start = range === null ? 0 : Number(range.slice(6, range.indexOf("-")));
  if (range !== null && Number(length) > Number(range.slice(range.indexOf("/") + 1)) - start)
    return [`${name}: ${range}`];
  for (let version = 0; version <= resource.version; version += 1) {
    if (
      startsAlike(
        resource,
        version,
        start,
        received,
        exchange.prefix,
        player.end === "whole" && exchange.method === "GET" && length === null,
      )
    )
      return [];
  }
  return [`${name} of ${resource.path} got bytes of no version`];
}

function startsAlike(
  resource: RandomResource,
  version: number,
  start: number,
  received: string,
  prefix: string,
  whole: boolean,
): boolean {
  return sentTexts(resource, version, prefix).some((text) => {
    if (whole && received.length !== text.length) return false;
    return text.startsWith(received, start);
  });
}

/** What players may be given of a version: of a playlist, what the options make of it. */
function sentTexts(resource: RandomResource, version: number, prefix: string): string[] {
  const plain = versionText(resource, version);
  const base = `http://${resource.redirects ? "p" : "o"}.example${resource.path}`;
  if (resource.playlist === "" || resource.playlist === "lie") return [plain];
  const texts = resource.playlist === "multivariant" ? chosenVariants(plain) : [plain];
  const proxied = texts.map((text) => rewritten(text, "query", prefix, base));
  return resource.playlist === "vod" ? proxied.concat(rewritten(plain, "query", prefix, base, "", [true])) : proxied;
}

/** A playlist of two variants as it is, with the second first, and with one of them. */
function chosenVariants(plain: string): string[] {
  const second = plain.lastIndexOf("#");
  const head = "#EXTM3U\n";
  const [one, two] = [plain.slice(head.length, second), plain.slice(second)];
  return [plain, head + two + one, head + one, head + two];
}
