/** A *view*: a response with all that the oracles need to judge it, read once. */
import type { OracleContext, WireResponse } from "../case/result-types.ts";
import { type Fields, fieldOf, type RequestText, requestText, responseText } from "./message-text.ts";
import { jsonKindOf, resourceOf, type Source, sourcesOf, versionsOf } from "./sources.ts";
import { toldBodies } from "./told-bodies.ts";

export type View = {
  response: WireResponse;
  request: RequestText;
  status: number;
  fields: Fields;
  /** Resources behind it, the one asked for first; [] when it is none of the origin's. */
  sources: Source[];
  /** Every body that the origin may have meant for them. */
  bodies: Buffer[];
  /** Whether the resource is a playlist, whose URIs are rewritten. */
  playlist: boolean;
  /** Whether it was asked for as JSON that names more, whose URIs are rewritten. */
  json: "asset-list" | "steering" | null;
  /** An answer of the proxy itself (RFC 9457). */
  problem: boolean;
};

const playlistTypes = ["application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"];

/** The views of all responses, in their order. */
export function viewsOf(context: OracleContext): View[] {
  return context.transcript.responses.map((response) => viewOf(context, response));
}

/** Whether a body's text begins as a playlist does (rfc8216bis section 4.4.1.1). */
export function beginsAsPlaylist(body: Buffer): boolean {
  return /^(?:\xef\xbb\xbf)?#EXTM3U/.test(body.toString("latin1", 0, 16));
}

/** Whether a source holds a playlist: by its text, and by its type or the extension of its path. */
export function isPlaylistSource(context: OracleContext, source: Source): boolean {
  const resource = resourceOf(context, source);
  if (resource === undefined || !versionsOf(context, source).some(beginsAsPlaylist)) return false;
  return hasPlaylistExtension(source.target) || isPlaylistType(resource.type);
}

function viewOf(context: OracleContext, response: WireResponse): View {
  const request = requestOf(context, response);
  const { status, fields } = responseText(response);
  const sources = sourcesOf(context, response, request.target);
  const bodies = sources.flatMap((source) => toldBodies(context, source));
  const type = fieldOf(fields, "content-type");
  const named = sources.some((source) => hasPlaylistExtension(source.target) || isPlaylistSource(context, source));
  return {
    response,
    request,
    status,
    fields,
    sources,
    bodies,
    playlist: (named || isPlaylistType(type)) && bodies.some(beginsAsPlaylist),
    json: jsonKindOf(request.target),
    problem: type?.startsWith("application/problem+json") === true,
  };
}

/** The request of a response; of several written together, the first response keeps the bytes. */
function requestOf(context: OracleContext, response: WireResponse): RequestText {
  const step = context.case.steps.find((one) => one.do === "write" && one.requests.includes(response.request));
  const first = step?.do === "write" ? step.requests[0] : undefined;
  const written = context.transcript.responses.find((one) => one.request === first) ?? response;
  return requestText(written.sent, step?.do === "write" ? step.requests.indexOf(response.request) : 0);
}

function hasPlaylistExtension(target: string): boolean {
  return /\.m3u8?$/i.test(target.replace(/\?.*$/s, ""));
}

function isPlaylistType(type: string | null): boolean {
  return type !== null && playlistTypes.includes(type.replace(/;.*$/s, "").trim().toLowerCase());
}
