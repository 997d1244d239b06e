/** URLs of callers, as the core takes them. */
import { withoutFragment } from "./core/http/uri-reference.ts";
import { escapeUri } from "./core/playlist/uri-mapper.ts";

/** A URL as bytes, escaped as a player would. */
export function upstreamBytes(url: string): string {
  return escapeUri(Buffer.from(String(url), "utf8").toString("latin1"));
}

/** The URL of a resource: a fragment is the player's own and never travels. */
export function resourceUrl(url: string): string {
  return withoutFragment(upstreamBytes(url));
}
