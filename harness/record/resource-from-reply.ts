/** The resource that an origin must have held, from the replies that it gave. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BodySource, Reply, Resource } from "../case/case-types.ts";
import { fieldValue } from "./recording.ts";

/** One reply of an origin: its head, and the body as the representation's bytes (unchunked, decoded). */
export type OriginReply = {
  status: number;
  reason: string;
  fields: [string, string][];
  /** null when the bytes are not known; then `length` is all there is. */
  body: Buffer | null;
  length: number;
};

/** Fields of a resource beside its type and validators that decide what a proxy does with it. */
const telling = ["cache-control", "vary", "content-language", "content-disposition", "retry-after"];

/** Text bodies up to this size stand in the case itself. */
const textBytesMax = 262_144;

/** A Last-Modified that does not depend on when a file was checked out. */
export const fixedLastModified = "Sun, 01 Nov 2026 00:00:00 GMT";

/** Where a reply stands in its recording: its target, a seed of its own, and what puts placeholders in. */
export type ReplyPlace = { target: string; seed: number; text: (value: string) => string };

/** The resource of a whole reply. */
export function resourceOf(whole: OriginReply, place: ReplyPlace): Resource {
  return {
    body: bodySource(whole, place),
    type: fieldValue(whole.fields, "content-type"),
    etag: fieldValue(whole.fields, "etag"),
    lastModified: fieldValue(whole.fields, "last-modified"),
    fields: whole.fields.filter(([name]) => telling.includes(name.toLowerCase())),
    replies: [],
  };
}

/** A redirect or an error, as a reply; null for what a good origin does by itself. */
export function scriptedReply(reply: OriginReply, place: ReplyPlace): Reply | null {
  const location = fieldValue(reply.fields, "location");
  if (location !== null && reply.status >= 300 && reply.status < 400) {
    const scripted: Reply = { kind: "serve", location: place.text(location) };
    return reply.status === 302 ? scripted : { ...scripted, status: reply.status };
  }
  if (reply.status < 400 || reply.status === 416) return null;
  const scripted: Reply = { kind: "serve", status: reply.status };
  const fields = reply.fields.filter(([name]) => telling.includes(name.toLowerCase()));
  if (fields.length > 0) scripted.fields = fields;
  if (reply.body !== null && reply.body.length > 0) scripted.body = bodySource(reply, place);
  return scripted;
}

/** Known media by name, short bodies as text, and seeded bytes of the same length for what is not known. */
function bodySource({ body, length }: OriginReply, { target, seed, text }: ReplyPlace): BodySource {
  if (body === null) return { kind: "seeded", seed, bytes: length };
  const equal = mediaFiles().get(sha256(body)) ?? [];
  // Some playlists of the sets are equal: the one of that name is meant.
  const media = equal.find((path) => target.split("?")[0]?.endsWith(`/${path}`)) ?? equal[0];
  if (media !== undefined) return { kind: "media", path: media };
  if (body.length <= textBytesMax) return { kind: "text", text: text(body.toString("latin1")) };
  return { kind: "seeded", seed, bytes: body.length };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

let known: Map<string, string[]> | null = null;

/** Paths below fixtures/media by the hash of their bytes. */
function mediaFiles(): Map<string, string[]> {
  if (known !== null) return known;
  const folder = fileURLToPath(new URL("../../fixtures/media", import.meta.url));
  known = new Map();
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (!statSync(join(folder, path)).isFile()) continue;
    const hash = sha256(readFileSync(join(folder, path)));
    known.set(hash, [...(known.get(hash) ?? []), path]);
  }
  return known;
}
