/** Writes a recording as HAR 1.2: heads as they were on the wire, bodies by their size and SHA-256. */
import type { HarEntry, HarFile, HarPair } from "./har-types.ts";
import type { RecordedRequest, Recording } from "./recording.ts";
import { sha256 } from "./resource-from-reply.ts";

/** Playlists up to this size stand in the HAR with their text. */
const textBytesMax = 16_384;

/** The HAR of a recording; `proxyUrl` is the address that the player spoke to. */
export function harOf(recording: Recording, proxyUrl: string, version: string): HarFile {
  const [, name = recording.player, playerVersion = ""] = /^(.*?) (\S+)$/.exec(recording.player) ?? [];
  return {
    log: {
      version: "1.2",
      creator: { name: "reelcache", version },
      browser: { name, version: playerVersion },
      pages: [],
      comment: "Recorded between the player and the proxy. connection is the player's port.",
      entries: recording.requests.map((request) => entryOf(recording, request, proxyUrl)),
    },
  };
}

/** The file's text: one line an entry, so that a hundred of them stay small and a difference is a line. */
export function harText(har: HarFile): string {
  const { entries, ...log } = har.log;
  const head = JSON.stringify({ log: { ...log, entries: [] } }).slice(0, -"]}}".length);
  return `${head}\n${entries.map((entry) => JSON.stringify(entry)).join(",\n")}\n]}}\n`;
}

function entryOf(recording: Recording, request: RecordedRequest, proxyUrl: string): HarEntry {
  const connection = recording.connections.find((one) => one.name === request.connection);
  const { response } = request;
  const endMs = response?.endAt.ms ?? connection?.left?.ms ?? request.sent.ms;
  const headMs = response?.headAt.ms ?? endMs;
  const isFirst = recording.requests.find((one) => one.connection === request.connection) === request;
  const openedMs = connection === undefined || !isFirst ? request.sent.ms : connection.opened.ms;
  const url = request.target.startsWith("/") ? proxyUrl + request.target : request.target;
  const entry: HarEntry = {
    startedDateTime: new Date(recording.startedAt.getTime() + openedMs).toISOString(),
    time: round(endMs - openedMs),
    request: {
      method: request.method,
      url,
      httpVersion: `HTTP/${request.version}`,
      cookies: [],
      headers: request.fields.map(pairOf),
      queryString: [...new URL(url).searchParams].map(pairOf),
      headersSize: request.head.length,
      bodySize: 0,
    },
    response: responseOf(request),
    cache: {},
    timings: {
      blocked: -1,
      dns: -1,
      connect: isFirst ? round(request.sent.ms - openedMs) : -1,
      ssl: -1,
      send: 0,
      wait: round(headMs - request.sent.ms),
      receive: round(endMs - headMs),
    },
    serverIPAddress: "127.0.0.1",
    connection: String(connection?.playerPort ?? ""),
  };
  if (response === null || !response.complete) entry._cut = true;
  return entry;
}

function responseOf(request: RecordedRequest): HarEntry["response"] {
  const { response } = request;
  if (response === null) {
    // As browsers write a request that was given up.
    const empty = { cookies: [], headers: [], content: { size: 0, mimeType: "x-unknown" }, redirectURL: "" };
    return { status: 0, statusText: "", httpVersion: "", ...empty, headersSize: -1, bodySize: -1 };
  }
  const value = (name: string): string => response.fields.find(([field]) => field.toLowerCase() === name)?.[1] ?? "";
  const mimeType = value("content-type");
  const isText = /mpegurl/i.test(mimeType) && response.body.length <= textBytesMax;
  return {
    status: response.status,
    statusText: response.reason,
    httpVersion: `HTTP/${response.version}`,
    cookies: [],
    headers: response.fields.map(pairOf),
    content: {
      size: response.body.length,
      mimeType,
      ...(isText ? { text: response.body.toString("utf8") } : {}),
      _sha256: sha256(response.body),
    },
    redirectURL: value("location"),
    headersSize: response.head.length,
    bodySize: response.body.length,
  };
}

function pairOf([name, value]: [string, string]): HarPair {
  return { name, value };
}

function round(ms: number): number {
  return Math.max(0, Math.round(ms * 1000) / 1000);
}
