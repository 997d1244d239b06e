/** An origin made of numbers: resources with versions, of which every byte is known, and transfers that it answers. */
import type { ErrorCode } from "../../core/base/errors.ts";
import type { Flight } from "../../core/download/flight.ts";
import type { Framing } from "../../core/download/head-verdict.ts";
import { parseRange, resolveRange } from "../../core/http/byte-range.ts";
import { fieldFirst } from "../../core/http/field-list.ts";
import type { Simulator } from "./exchange-simulator.ts";
import type { SimFlight } from "./flight-memory.ts";

/** What never changes of a resource; its version does. */
export type RandomResource = {
  path: string;
  total: number;
  validator: "etag" | "modified" | "weak" | "none";
  ranges: boolean;
  /** It gives a part of its version whatever If-Range says. */
  ignoresIfRange: boolean;
  framing: Framing;
  cacheControl: string;
  playlist: "" | "live" | "vod" | "multivariant" | "lie";
  /** Redirected to itself on another host. */
  redirects: boolean;
  cookies: boolean;
  version: number;
};

/** One request under way: what is yet to be sent of its answer. */
type Transfer = {
  fields: string[];
  url: string;
  /** 0 before the head; then the rest of the body, and how the transfer ends. */
  answered: boolean;
  body: string;
  at: number;
  failure: { code: ErrorCode; detail: string } | null;
};

const networkCodes: ErrorCode[] = ["upstream-refused", "upstream-dns", "upstream-timeout"];
const otherCodes: ErrorCode[] = ["upstream-protocol", "upstream-truncated"];

/** The bytes of a version. */
export function versionText(resource: RandomResource, version: number): string {
  if (resource.playlist === "multivariant") return multivariantText(version);
  if (resource.playlist === "live" || resource.playlist === "vod") return playlistText(resource, version);
  let text = resource.playlist === "lie" ? "not a playlist" : "";
  // Neighbouring offsets, versions and resources all differ, so that a byte out of place is seen.
  for (let at = text.length; at < resource.total; at += 1) {
    text += String.fromCharCode(48 + ((at * 7 + version * 31 + resource.total * 3 + ((at * at) >> 5)) % 75));
  }
  return text.slice(0, resource.total);
}

function playlistText(resource: RandomResource, version: number): string {
  const head = `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:${version}\n#EXT-X-MAP:URI="/0.ts"\n`;
  // What a finished one names may be stored.
  return `${head}#EXTINF:4,\n${resource.playlist === "vod" ? "/3.ts\n#EXT-X-ENDLIST" : `/seg${version}.ts`}\n`;
}

function multivariantText(version: number): string {
  const variant = (at: number): string => `#EXT-X-STREAM-INF:BANDWIDTH=${version}${at}\n/${at}.m3u8\n`;
  return `#EXTM3U\n${variant(1)}${variant(2)}`;
}

export class RandomOrigin {
  readonly resources: RandomResource[];
  /** 0: no faults; otherwise one answer of so many is one. */
  faultOneIn = 0;
  /** Every answer is a network failure. */
  unreachable = false;
  faults = 0;
  private readonly transfers = new Map<number, Transfer>();
  private readonly random: (below: number) => number;
  private readonly sim: Simulator;
  /** Bytes that were accepted, by path: how often each was. */
  readonly sent = new Map<string, number[]>();

  constructor(sim: Simulator, resources: RandomResource[], random: (below: number) => number) {
    this.sim = sim;
    this.resources = resources;
    this.random = random;
    sim.onSend = (flight, fields) => this.transfers.set(flight.id, newTransfer(flight, fields));
  }

  /** Flights of which the origin may be heard, and that are not held back. */
  ready(): SimFlight[] {
    return [...this.sim.flights.values()].filter((one) => one.open && !one.flight.paused);
  }

  /** Sends the head of a flight's answer, or a piece of its body, or its end. */
  step(flight: SimFlight): void {
    const transfer = this.transfers.get(flight.flight.id);
    if (transfer === undefined) throw new Error("a flight without a request");
    if (!transfer.answered) {
      transfer.answered = true;
      this.answer(flight, transfer);
      return;
    }
    const left = transfer.body.length - transfer.at;
    if (left === 0) {
      this.sim.done(flight, transfer.failure);
      return;
    }
    const piece = transfer.body.slice(transfer.at, transfer.at + 1 + this.random(Math.min(left, 90)));
    transfer.at += piece.length;
    this.count(flight.flight, piece.length);
    this.sim.data(flight, piece);
  }

  private count(flight: Flight, length: number): void {
    // What a directed reload brings is not stored, so it comes again.
    if (flight.directed) return;
    // What a redirected playlist named is another resource, though its bytes are the same.
    if (flight.body.entry.url.startsWith("http://p.example")) return;
    const path = pathOf(flight.url);
    const counts = this.sent.get(path) ?? [];
    this.sent.set(path, counts);
    const end = flight.limit === -1 ? flight.position + length : Math.min(flight.limit, flight.position + length);
    for (let at = flight.position; at < end; at += 1) counts[at] = (counts[at] ?? 0) + 1;
  }

  private answer(flight: SimFlight, transfer: Transfer): void {
    if (this.unreachable) {
      this.sim.done(flight, { code: "upstream-refused", detail: "" });
      return;
    }
    if (this.faultOneIn > 0 && this.random(this.faultOneIn) === 0) {
      this.faults += 1;
      if (this.lie(flight, transfer)) return;
    }
    const resource = this.resources.find((one) => one.path === pathOf(transfer.url));
    if (resource === undefined) {
      this.status(flight, transfer, 404, "nothing here");
      return;
    }
    if (resource.redirects && transfer.url.startsWith("http://o.example")) {
      const fields = ["Location", transfer.url.replace("o.example", "p.example"), "Content-Length", "0"];
      this.sim.head(flight, { status: 302, reason: "Found", fields, framing: "length" });
      return;
    }
    this.honest(flight, transfer, resource);
  }

  private honest(flight: SimFlight, transfer: Transfer, resource: RandomResource): void {
    const text = versionText(resource, resource.version);
    const fields = describe(resource);
    const known = fieldFirst(transfer.fields, "if-none-match");
    const since = fieldFirst(transfer.fields, "if-modified-since");
    const unchanged = known === null ? since === modifiedOf(resource) : known === etagOf(resource);
    if ((known !== null || since !== null) && unchanged) {
      this.sim.head(flight, { status: 304, reason: "", fields, framing: "none" });
      return;
    }
    if (flight.flight.method === "HEAD") {
      fields.push("Content-Length", String(text.length));
      this.sim.head(flight, { status: 200, reason: "", fields, framing: "none" });
      return;
    }
    const ifRange = fieldFirst(transfer.fields, "if-range");
    const holds =
      ifRange === null || resource.ignoresIfRange || ifRange === etagOf(resource) || ifRange === modifiedOf(resource);
    const range = resource.ranges && holds ? parseRange(fieldFirst(transfer.fields, "range")) : parseRange(null);
    const part = resolveRange(range, text.length);
    if (part.kind === "unsatisfiable") {
      fields.push("Content-Range", `bytes */${text.length}`, "Content-Length", "0");
      this.sim.head(flight, { status: 416, reason: "", fields, framing: "length" });
      return;
    }
    transfer.body = part.kind === "part" ? text.slice(part.start, part.end) : text;
    if (part.kind === "part") fields.push("Content-Range", `bytes ${part.start}-${part.end - 1}/${text.length}`);
    const framing = part.kind === "part" ? "length" : resource.framing;
    if (framing === "length") fields.push("Content-Length", String(transfer.body.length));
    if (this.faultOneIn > 0 && this.random(this.faultOneIn) === 0) this.shorten(transfer, framing);
    this.sim.head(flight, { status: part.kind === "part" ? 206 : 200, reason: "", fields, framing });
  }

  private shorten(transfer: Transfer, framing: Framing): void {
    this.faults += 1;
    transfer.body = transfer.body.slice(0, this.random(transfer.body.length + 1));
    // A body that its length ends may simply stop; one of chunks that stops is a failure of the transfer.
    if (framing !== "length" || this.random(2) === 0) transfer.failure = { code: "upstream-truncated", detail: "" };
  }

  /** A failure or a false answer; false when it is to be answered in earnest after all. */
  private lie(flight: SimFlight, transfer: Transfer): boolean {
    const kind = this.random(6);
    if (kind === 0 || kind === 1) {
      const codes = kind === 0 ? networkCodes : otherCodes;
      this.sim.done(flight, { code: codes[this.random(codes.length)] ?? "upstream-protocol", detail: "" });
    } else if (kind === 2) {
      this.status(flight, transfer, [403, 404, 500, 503][this.random(4)] ?? 500, "the origin's own words");
    } else if (kind === 3) {
      this.sim.head(flight, { status: 206, reason: "", fields: ["Content-Range", "bytes 3-5/9"], framing: "chunked" });
    } else if (kind === 4) {
      const first = Math.max(0, flight.flight.askStart);
      const fields = ["Content-Range", `bytes ${first}-${first + 3}/*`];
      this.sim.head(flight, { status: 206, reason: "", fields, framing: "chunked" });
    } else {
      return false;
    }
    return true;
  }

  private status(flight: SimFlight, transfer: Transfer, status: number, text: string): void {
    transfer.body = flight.flight.method === "HEAD" ? "" : text;
    const fields = ["Content-Length", String(text.length), "Content-Type", "text/html", "Set-Cookie", "error=1"];
    const framing = flight.flight.method === "HEAD" ? "none" : "length";
    this.sim.head(flight, { status, reason: "Said So", fields, framing });
  }
}

/** The path of a URL on any host, without its query: directives change no resource. */
export function pathOf(url: string): string {
  const mark = url.indexOf("?");
  return url.slice(url.indexOf("/", 8), mark === -1 ? url.length : mark);
}

function newTransfer(flight: Flight, fields: string[]): Transfer {
  return { fields, url: flight.url, answered: false, body: "", at: 0, failure: null };
}

function etagOf(resource: RandomResource): string | null {
  if (resource.validator === "etag") return `"v${resource.version}"`;
  return resource.validator === "weak" ? `W/"v${resource.version}"` : null;
}

function modifiedOf(resource: RandomResource): string | null {
  const day = String(1 + (resource.version % 28)).padStart(2, "0");
  return resource.validator === "modified" ? `Thu, ${day} Jan 1970 00:00:00 GMT` : null;
}

function describe(resource: RandomResource): string[] {
  const fields: string[] = [];
  const etag = etagOf(resource);
  const modified = modifiedOf(resource);
  if (resource.playlist !== "") fields.push("Content-Type", "application/vnd.apple.mpegurl");
  if (etag !== null) fields.push("ETag", etag);
  if (modified !== null) fields.push("Last-Modified", modified);
  if (resource.cacheControl !== "") fields.push("Cache-Control", resource.cacheControl);
  if (resource.cookies) fields.push("Set-Cookie", "session=1");
  return fields;
}
