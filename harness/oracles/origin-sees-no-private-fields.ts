/** What the origin is asked: nothing of the player's hop, no Range for a playlist, no field that the table does not forward. */
import type { Finding, Oracle, OracleContext, OriginEntry } from "../case/result-types.ts";
import { fieldOf, fieldValues } from "./message-text.ts";
import { resourceOf, sourceOf } from "./sources.ts";
import { isPlaylistSource, type View, viewsOf } from "./views.ts";

export const originSeesNoPrivateFields: Oracle = {
  name: "origin-sees-no-private-fields",
  says: "The origin sees no field that is the player's, the hop's or the proxy's own affair.",
  check: (context: OracleContext): Finding[] => {
    const views = viewsOf(context);
    return context.transcript.origin.flatMap((entry) =>
      [...hopFaults(entry), ...playlistFaults(context, entry, views), ...leaks(context, entry, views)].map(
        (message) => ({
          by: "origin-sees-no-private-fields",
          at: `${entry.method} ${entry.target}`,
          message,
        }),
      ),
    );
  },
};

const ofTheHop = [
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
  "max-forwards",
  "icy-metadata",
  "content-length",
];

/** Fields of a player that may reach the origin: forwarded (R-FIELD-6) or written anew by the proxy. */
const forwarded = [
  "host",
  "connection",
  "user-agent",
  "accept",
  "accept-language",
  "accept-encoding",
  "authorization",
  "cookie",
  "referer",
  "origin",
  "x-playback-session-id",
  "range",
  "if-range",
  "if-none-match",
  "if-modified-since",
];

const conditional = ["range", "if-range"];

function hopFaults(entry: OriginEntry): string[] {
  // R-PASS-1: what passes through has its content.
  const isRead = entry.method === "GET" || entry.method === "HEAD";
  const faults = ofTheHop
    .filter((name) => isRead || name !== "content-length")
    .filter((name) => fieldOf(entry.fields, name) !== null)
    .map((name) => `${name}: ${fieldOf(entry.fields, name)}`);
  const connection = fieldValues(entry.fields, "connection").join(", ").toLowerCase();
  if (!["", "close", "keep-alive"].includes(connection)) faults.push(`connection: ${connection}`);
  const hosts = fieldValues(entry.fields, "host");
  if (hosts.length !== 1) faults.push(`${hosts.length} Host fields`);
  const twice = entry.fields.map(([name]) => name.toLowerCase()).filter((name, at, all) => all.indexOf(name) !== at);
  return [...faults, ...[...new Set(twice)].filter((name) => name !== "host").map((name) => `field twice: ${name}`)];
}

function playlistFaults(context: OracleContext, entry: OriginEntry, views: View[]): string[] {
  const faults: string[] = [];
  const coding = fieldOf(entry.fields, "accept-encoding");
  if (isPlaylistSource(context, entry)) {
    // A playlist that broke off is resumed, and one is known by its path or, later, by what it was.
    const resumed = fieldOf(entry.fields, "range") !== null && fieldOf(entry.fields, "if-range") !== null;
    const known = /\.m3u8?(\?|$)/i.test(entry.target) || wasAsked(context, entry);
    if (resumed || !known) return [];
    faults.push(
      ...conditional
        .filter((name) => fieldOf(entry.fields, name) !== null)
        .map((name) => `${name}: ${fieldOf(entry.fields, name)} for a playlist`),
    );
  } else if (
    coding !== null &&
    coding !== "identity" &&
    !/\.m3u8?(\?|$)/i.test(entry.target) &&
    !isJson(entry, views)
  ) {
    // R-ASK-1: a coded segment could neither be stored by its offsets nor be cut into ranges.
    faults.push(`accept-encoding: ${coding} for media`);
  }
  return faults;
}

/** Whether somebody asked for it as JSON that names more, which is gathered like a playlist. */
function isJson(entry: OriginEntry, views: View[]): boolean {
  return views.some((view) => view.json !== null && view.sources.some((source) => source.target === entry.target));
}

/** Whether the origin has answered for this target before. */
function wasAsked(context: OracleContext, entry: OriginEntry): boolean {
  return context.transcript.origin.some(
    (other) => other.target === entry.target && other.endMs <= entry.startMs && [200, 206].includes(other.status),
  );
}

/** What players sent and nobody forwards, and credentials at an origin that nobody sent them to. */
function leaks(context: OracleContext, entry: OriginEntry, views: View[]): string[] {
  const options = context.case.options;
  const configured = [options.forwardFields, options.requestFields]
    .flatMap((list) => (Array.isArray(list) ? list.map(String) : []))
    .map((text) =>
      text
        .replace(/[:,].*$/s, "")
        .trim()
        .toLowerCase(),
    );
  const players = new Set(views.flatMap((view) => view.request.fields.map(([name]) => name.toLowerCase())));
  // R-FIELD-16
  const isPlain = options.policy === "http" || configured.includes("*");
  const faults = entry.fields
    .filter(([name]) => players.has(name.toLowerCase()) && !isPlain)
    .filter(([name]) => ![...forwarded, ...ofTheHop, ...configured].includes(name.toLowerCase()))
    .map(([name, value]) => `the player's ${name}: ${value}`);
  const meantFor = views.flatMap((view) => view.sources.slice(0, 1).map((source) => source.origin));
  if (entry.origin === "other" && !meantFor.includes("other")) {
    // R-REDIRECT-3
    const carried = ["authorization", "cookie"].filter((name) => fieldOf(entry.fields, name) !== null);
    faults.push(...carried.filter((name) => !configured.includes(name)).map((name) => `${name} after a redirect`));
  }
  if (/[?&]url=/.test(entry.target) && sourceOf(context, context.originUrl + entry.target) !== null) {
    faults.push(...ownParameter(context, entry));
  }
  return faults;
}

/** The proxy's own parameter in a target that the case does not have. */
function ownParameter(context: OracleContext, entry: OriginEntry): string[] {
  return resourceOf(context, entry) === undefined ? ["the proxy's own url parameter"] : [];
}
