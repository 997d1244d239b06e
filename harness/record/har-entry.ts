/** One entry of a HAR: what it asked of which origin, what came, and what of it must not be kept. */
import type { HarEntry, HarPair } from "./har-types.ts";
import { readProxied } from "./proxied-target.ts";

/** What is no media: pages and what they load beside the film. */
const pageTypes = /^(?:text\/html|text\/css|(?:text|application)\/(?:x-)?javascript|font\/|image\/(?:x-icon|vnd|svg))/i;

/** Fields that prove who somebody is. */
const secretFields = ["cookie", "authorization", "proxy-authorization"];

/** True for what a player asked of an origin over the wire, by a method that a proxy for media takes. */
export function isMedia(entry: HarEntry): boolean {
  const { request, response } = entry;
  if (!/^https?:/i.test(request.url) || !["GET", "HEAD", "OPTIONS"].includes(request.method)) return false;
  if (entry._fromCache !== undefined || response.status === 0) return false;
  return !pageTypes.test(response.content.mimeType) || response.status >= 400;
}

/** The upstream URL: the entry's own, or the one within when the file was saved between a player and this proxy. */
export function upstreamOf(entry: HarEntry): { url: string; form: "query" | "path"; proxied: boolean } {
  const url = new URL(entry.request.url);
  url.hash = "";
  const proxied = readProxied(url.pathname + url.search);
  if (proxied !== null && URL.canParse(proxied.url) && !proxied.url.includes("@")) {
    const { url: inner, form, rest } = proxied;
    const joint = inner.includes("?") ? rest : rest.replace("&", "?");
    return { url: inner + joint, form, proxied: true };
  }
  return { url: url.href, form: "query", proxied: false };
}

/** The body that the file has, or null. What a proxy rewrote in a playlist is written back. */
export function decodedBody(entry: HarEntry): Buffer | null {
  const { content } = entry.response;
  if (content.text === undefined || (content.text === "" && content.size > 0)) return null;
  const body = Buffer.from(content.text, content.encoding === "base64" ? "base64" : "utf8");
  if (!upstreamOf(entry).proxied || !body.subarray(0, 10).includes("#EXTM3U")) return body;
  const { origin } = new URL(entry.request.url);
  const text = body.toString("latin1").replaceAll(origin, "");
  const query = text.replaceAll(/\/proxy\?url=([^"\s&]+)/g, (_whole, inner: string) => decodeURIComponent(inner));
  return Buffer.from(query.replaceAll(/(^|")\/(https?)\/(?=[^/"\s]+\/)/gm, "$1$2://"), "latin1");
}

/** Fields as [name, value], without HTTP/2's pseudo fields; secrets become REDACTED unless they are to be kept. */
export function redactedFields(pairs: HarPair[], keepSecrets: boolean): [string, string][] {
  const fields: [string, string][] = [];
  for (const { name, value } of pairs) {
    const lower = name.toLowerCase();
    if (name.startsWith(":") || (lower === "set-cookie" && !keepSecrets)) continue;
    fields.push([name, secretFields.includes(lower) && !keepSecrets ? "REDACTED" : value]);
  }
  return fields;
}
