/**
 * Rewrites the JSON bodies that playlists name, asset lists and steering manifests, so that what they name comes back
 * through the proxy (rfc8216bis section 7 and appendix D). Only the text of URIs is replaced, and a clone's host, which
 * a player would put into the proxy's URLs. JSON texts are byte strings.
 */
import { lowerAscii } from "../base/bytes.ts";
import { parseAuthority, parseUri } from "../http/uri-reference.ts";
import type { OwnParameters } from "../route/own-parameters.ts";
import { hostParameter, withParameters } from "../route/own-parameters.ts";
import type { UrlForm } from "../route/request-target.ts";
import { elementPath, type JsonPlace, memberPath, scanJson } from "./json-scan.ts";
import { mapUri, type UriMapper, uriMapper } from "./uri-mapper.ts";

/** As for a playlist; `own` are the own parameters of its URL, `depthMax` and `bytesMax` bound what is read. */
export type JsonContext = {
  prefix: string;
  form: UrlForm;
  baseUrl: string;
  own: OwnParameters;
  depthMax: number;
  bytesMax: number;
  /** What its URIs may come to. */
  urisBytesMax: number;
};

/** The body as the player shall see it; what is malformed or beyond a bound comes back as it is. */
export function rewriteJson(bytes: string, context: JsonContext): string {
  // R-JSON-3
  const places = bytes.length > context.bytesMax ? null : scanJson(bytes, wantedOf(context.own), context.depthMax);
  if (places === null) return bytes;
  const mapper = uriMapper(context.prefix, context.form, context.baseUrl);
  const edits: Edit[] = [];
  let handled = 0;
  for (const place of places) {
    const mapped = place.kind === "string" && place.text !== "" ? mapPlace(mapper, place, context.own) : "";
    handled += mapped.length;
    // R-JSON-3
    if (handled > context.urisBytesMax) return bytes;
    if (mapped !== "") edits.push({ start: place.start, end: place.end, text: mapped });
  }
  return edited(bytes, edits.concat(hostEdits(places, context.prefix)));
}

type Edit = { start: number; end: number; text: string };

const assets = elementPath(memberPath("", "ASSETS"));
const replacement = memberPath(elementPath(memberPath("", "PATHWAY-CLONES")), "URI-REPLACEMENT");
const variantUris = memberPath(replacement, "PER-VARIANT-URIS");
const renditionUris = memberPath(replacement, "PER-RENDITION-URIS");

function wantedOf(own: OwnParameters): string[] {
  return own.as === "steering" ? ["", replacement, variantUris, renditionUris] : [assets];
}

/** The proxied URL for a string; "" when it names nothing or must stay as it is. */
function mapPlace(mapper: UriMapper, place: JsonPlace, own: OwnParameters): string {
  // R-JSON-1
  if (place.path === assets) return place.name === "URI" ? mapUri(mapper, place.text) : "";
  // R-JSON-2
  const isReload = place.path === "" && place.name === "RELOAD-URI";
  if (!isReload && place.path !== variantUris && place.path !== renditionUris) return "";
  const mapped = mapUri(mapper, place.text);
  const carried: OwnParameters = { as: isReload ? own.as : "none", define: own.define };
  return mapped === "" ? "" : withParameters(mapper.prefix, mapper.form, mapped, carried);
}

/** A clone's HOST becomes the proxy's, and one more of its PARAMS says which host it means upstream. */
function hostEdits(places: JsonPlace[], prefix: string): Edit[] {
  const proxyHost = parseAuthority(parseUri(prefix).authority ?? "", "http")?.host ?? "";
  const edits: Edit[] = [];
  const hosts = new Map<number, JsonPlace>();
  const withParams = new Set<number>();
  for (const place of places) {
    if (place.path !== replacement) continue;
    // Of a name that is there twice, players read the last.
    if (place.name === "HOST") hosts.set(place.owner, place);
    if (place.name === "PARAMS" && place.kind === "object") withParams.add(place.owner);
  }
  for (const place of places) {
    const host = place.path === replacement ? hosts.get(place.owner) : undefined;
    if (host === undefined || !isHost(host)) continue;
    const member = `"${hostParameter}":"${host.text}"`;
    // R-JSON-4
    if (place === host) edits.push({ start: host.start, end: host.end, text: proxyHost });
    if (place === host && !withParams.has(host.owner)) {
      edits.push({ start: host.keyStart, end: host.keyStart, text: `"PARAMS":{${member}},` });
    }
    if (place.name === "PARAMS" && place.kind === "object") {
      edits.push({ start: place.start, end: place.end, text: place.text === "" ? member : `${member},` });
    }
  }
  return edits;
}

/** Longest host name (RFC 1035 section 2.3.4): each object of PARAMS makes room for it. */
const hostBytesMax = 255;

function isHost(place: JsonPlace): boolean {
  // R-JSON-4
  if (place.kind !== "string" || place.text.length > hostBytesMax) return false;
  return parseAuthority(place.text, "http")?.host === lowerAscii(place.text);
}

function edited(bytes: string, edits: Edit[]): string {
  edits.sort((a, b) => a.start - b.start);
  let text = "";
  let copied = 0;
  for (const edit of edits) {
    text += bytes.slice(copied, edit.start) + edit.text;
    copied = edit.end;
  }
  return text + bytes.slice(copied);
}
