/** Transcripts by hand for tests of the oracles and reports: what went over the wire, as short as it can be said. */
import { createHash } from "node:crypto";
import { openBody, wholeBody } from "../../case/body-source.ts";
import type { Case } from "../../case/case-types.ts";
import { expandOrigins } from "../../case/placeholders.ts";
import type { OracleContext, OriginEntry, WireResponse } from "../../case/result-types.ts";

export const targetUrl = "http://127.0.0.1:9000";
export const originUrl = "http://127.0.0.1:8001";
export const otherUrl = "http://127.0.0.1:8002";

/** Fields that end every head of the proxy. */
export const headEnd = "Date: Fri, 20 Nov 2026 06:00:00 GMT\r\nConnection: keep-alive\r\n\r\n";

/** A response to GET of an upstream path in query form; `more` replaces anything of it. */
export function answer(
  request: string,
  path: string,
  head: string,
  body: string | Buffer,
  more: Partial<WireResponse> & { fields?: string; method?: string } = {},
): WireResponse {
  const { fields = "", method = "GET", ...rest } = more;
  const bytes = Buffer.from(body as string, "latin1");
  const target = path.startsWith("/proxy") ? path : `/proxy?url=${encodeURIComponent(originUrl + path)}`;
  return {
    request,
    sent: `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n${fields}\r\n`,
    head: `${head}${headEnd}`,
    framing: /^content-length:/im.test(head) ? "length" : /^transfer-encoding:/im.test(head) ? "chunked" : "close",
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    text: typeof body === "string" ? body : null,
    end: "complete",
    faults: [],
    sentMs: 10,
    headMs: 20,
    endMs: 30,
    ...rest,
  };
}

/** A 200 with a true length. */
export function whole(
  request: string,
  path: string,
  body: string,
  more: Parameters<typeof answer>[4] = {},
): WireResponse {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: ${body.length}\r\n`;
  return answer(request, path, head, body, more);
}

/** A 206 for the bytes from `first` on. */
export function part(request: string, path: string, body: string, first: number, total: number): WireResponse {
  const last = first + body.length - 1;
  const range = `Content-Range: bytes ${first}-${last}/${total}\r\n`;
  const head = `HTTP/1.1 206 Partial Content\r\nContent-Type: video/mp2t\r\nContent-Length: ${body.length}\r\n${range}`;
  return answer(request, path, head, body, { fields: `Range: bytes=${first}-${last}\r\n` });
}

/** A request at the origin that brought `bodyBytes`. */
export function asked(target: string, bodyBytes: number, more: Partial<OriginEntry> = {}): OriginEntry {
  return {
    origin: "origin",
    connection: 1,
    method: "GET",
    target,
    fields: [
      ["host", "127.0.0.1:8001"],
      ["connection", "keep-alive"],
      ["Accept-Encoding", "identity"],
    ],
    status: 200,
    from: 0,
    bodyBytes,
    startMs: 15,
    endMs: 25,
    ...more,
  };
}

/** What an oracle is asked about; versions are the resource's body and those of its replies. */
export function contextOf(item: Case, responses: WireResponse[], origin: OriginEntry[] = []): OracleContext {
  const expand = (text: string): string => expandOrigins(text, originUrl, otherUrl);
  return {
    case: item,
    transcript: { responses, origin, concurrent: 0 },
    targetUrl,
    originUrl,
    otherUrl,
    slotsMax: 32,
    versions: (target) => {
      const resource = item.origin.resources[target];
      if (resource === undefined) return [];
      const replies = resource.replies.flatMap((reply) =>
        (reply.status ?? 200) < 300 && reply.body ? [reply.body] : [],
      );
      return [resource.body, ...replies].map((source) => wholeBody(openBody(source, expand)));
    },
  };
}
