/**
 * The bodies that a player may rightly get of a resource: its versions, and what a reply turns a version into when nobody
 * but the origin could know better (a length that lies low, a chunked body that ends early and in order).
 */
import type { Reply } from "../case/case-types.ts";
import type { OracleContext } from "../case/result-types.ts";
import { resourceOf, type Source, versionsOf } from "./sources.ts";

/** All of them, each once; [] when the case has no such resource. */
export function toldBodies(context: OracleContext, source: Source): Buffer[] {
  const resource = resourceOf(context, source);
  if (resource === undefined) return [];
  const versions = versionsOf(context, source);
  const bodies = [...versions];
  for (const reply of resource.replies) {
    if ((reply.status ?? 200) >= 300) continue;
    for (const version of versions) {
      const told = asTold(reply, version);
      if (!bodies.some((body) => body.equals(told))) bodies.push(told);
    }
  }
  return bodies;
}

/** What a version looks like to one who believes the reply's framing. */
function asTold(reply: Reply, version: Buffer): Buffer {
  const whole = reply.extra === undefined ? version : Buffer.concat([version, Buffer.from(reply.extra, "latin1")]);
  const length = claimedLength(reply);
  // What is claimed beyond the end can never come: such a body is never complete.
  if (length !== null)
    return Buffer.concat([whole, Buffer.alloc(Math.max(0, length - whole.length))]).subarray(0, length);
  if (reply.kind === "raw" && /^transfer-encoding:.*chunked/im.test(reply.head ?? "")) return unchunked(whole);
  if (!endsWithoutSign(reply)) return version;
  return reply.stopAfter === undefined ? whole : whole.subarray(0, reply.stopAfter);
}

/** The content of a body that is chunked by hand; when it does not end well, one byte more than a player can ever get. */
function unchunked(wire: Buffer): Buffer {
  const text = wire.toString("latin1");
  let content = "";
  let at = 0;
  for (;;) {
    const line = /^([0-9a-f]+)[^\r\n]*\r\n/i.exec(text.slice(at, at + 64));
    if (line === null) return Buffer.from(`${content}?`, "latin1");
    const size = Number.parseInt(line[1] ?? "0", 16);
    if (size === 0) return Buffer.from(content, "latin1");
    const begin = at + line[0].length;
    content += text.slice(begin, begin + size);
    at = begin + size + 2;
  }
}

function claimedLength(reply: Reply): number | null {
  if (reply.kind === "raw") {
    const match = /^content-length:[ \t]*(\d+)[ \t]*\r?$/im.exec(reply.head ?? "");
    return match === null ? null : Number(match[1]);
  }
  return reply.framing === undefined || reply.framing === "length" ? (reply.contentLength ?? null) : null;
}

/** Whether a body that stops early looks whole: a last chunk in order, or the orderly end of a close-delimited one. */
function endsWithoutSign(reply: Reply): boolean {
  const end = reply.end ?? "ok";
  if (reply.framing === "chunked") return end === "ok";
  const close = reply.framing === "close" || reply.contentLength === null;
  return (close || reply.kind === "raw") && (end === "ok" || end === "close");
}
