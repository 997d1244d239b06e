/**
 * A case: what an origin holds and does, what players send, what must come back. Data only (`fixtures/recordings/**`,
 * `fixtures/schema/case.schema.json`), so that any proxy can be put under it.
 */

/** One case: `case.json` in a folder of its own; the sealed transcript stands beside it as `sealed.json`. */
export type Case = {
  /** Folder below fixtures/recordings, such as "ranges/suffix". */
  id: string;
  /** One sentence: what is proved. */
  title: string;
  /** Rules of SPEC.md that it proves. */
  rules: string[];
  /** Faults of the field that it catches (ids of fixtures/recordings/faults.json). */
  faults: string[];
  source: CaseSource;
  /** Options of the proxy that the case needs, in the names of the options table; [] of limits allowed. */
  options: Record<string, unknown>;
  origin: OriginScript;
  steps: Step[];
  /** Oracles that do not hold in this case, each with its reason. */
  exempt: { oracle: string; reason: string }[];
};

export type CaseSource =
  | { kind: "case" }
  /** Recorded from a real player through the proxy. */
  | { kind: "recorded"; player: string; on: string }
  /** Modelled on what is known of a player; `facts` says which facts, in words. */
  | { kind: "modelled"; player: string; facts: string[] }
  | { kind: "imported"; from: string; note: string };

/** What the origin holds. Paths are targets with their query, exactly as they arrive ("/seg.ts?a=1"). */
export type OriginScript = {
  /** A second origin listens on another port when `other` is used in targets or bodies. */
  resources: Record<string, Resource>;
};

/** A resource: what a well-behaved origin does with it, and what it does instead, request by request. */
export type Resource = {
  body: BodySource;
  /** Content-Type, null for none. */
  type: string | null;
  etag: string | null;
  lastModified: string | null;
  /** Further response fields of every reply: [name, value]. */
  fields: [string, string][];
  /** Replies in order of the requests for this path; the last one repeats. [] = always `{ "kind": "serve" }`. */
  replies: Reply[];
};

/** Deterministic bytes. */
export type BodySource =
  /** `bytes` seeded pseudo-random bytes; the same seed and offset always give the same byte. */
  | { kind: "seeded"; seed: number; bytes: number }
  /** Text, latin1; `{origin}` and `{other}` stand for the origins' addresses (http://127.0.0.1:port). */
  | { kind: "text"; text: string }
  /** A file of fixtures/media. */
  | { kind: "media"; path: string };

/** One reply. All fields but `kind` are optional; what is absent is what a good origin would do. */
export type Reply = {
  /** `serve`: as HTTP says (ranges, conditions, HEAD). `raw`: the exact bytes of `head`, then the body. `silent`: never
   * answers. `reset`: RST at once. `close`: FIN at once. */
  kind: "serve" | "raw" | "silent" | "reset" | "close";
  /** Serve another version from here on. */
  body?: BodySource;
  etag?: string | null;
  lastModified?: string | null;
  status?: number;
  reason?: string;
  /** Fields to add, after those of the resource. */
  fields?: [string, string][];
  /** Fields not to send (lower case). */
  without?: string[];
  /** Ignore Range: answer 200 and whole. */
  ignoreRange?: boolean;
  /** Exact Content-Range instead of the right one; null for none. */
  contentRange?: string | null;
  /** Content-Length to claim instead of the right one; null for none. */
  contentLength?: number | null;
  framing?: "length" | "chunked" | "close";
  /** Trailer fields of a chunked body. */
  trailers?: [string, string][];
  /** Content-Encoding to apply to the body. */
  encoding?: "gzip";
  /** Interim response before the final one, such as "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n". */
  interim?: string;
  /** Exact head for `raw`, with its empty line. */
  head?: string;
  /** Send only this many body bytes, then end as `end` says. */
  stopAfter?: number;
  /** How the body ends after `stopAfter`, or at its end: orderly, FIN, RST, or silence with the connection open. */
  end?: "ok" | "close" | "reset" | "silent";
  /** Bytes to send beyond the body's end. */
  extra?: string;
  /** Hold here until the barrier is opened: before the head, or before byte N of the body. */
  hold?: { at: "head" | number; barrier: string }[];
  /** Pace of the body, in bytes a second. */
  rate?: number;
  /** Time before the head, in milliseconds. */
  latencyMs?: number;
  /** The head goes out in two halves, so many milliseconds apart. */
  headPauseMs?: number;
  /** Redirect target: `status` 302 unless given; placeholders as in text. */
  location?: string;
};

/** What players do, in order; a step ends before the next begins. */
export type Step =
  /** Opens a connection. */
  | { do: "connect"; as: string }
  /** Writes a request on a connection: `request` names its response. */
  | {
      do: "send";
      on: string;
      request: string;
      method?: string;
      /** An upstream target ("/seg.ts") in the form that the target's mapping gives, or a `raw` request target. */
      path?: string;
      form?: "query" | "path";
      raw?: string;
      /** Fields as [name, value], exactly so, after Host ({host}). A field "Host" replaces it. */
      fields?: [string, string][];
      httpVersion?: "1.0" | "1.1";
      body?: string;
    }
  /** Writes exact bytes; placeholders {host}, {query:/path}, {path:/path}. `requests` names the responses expected. */
  | { do: "write"; on: string; bytes: string; requests: string[] }
  /** Reads the response of a request: its head only, so many body bytes, or to its end. */
  | { do: "read"; request: string; until: "head" | "end" | number }
  /** Expects the connection to be ended by the target. */
  | { do: "ended"; on: string }
  | { do: "close" | "reset" | "half-close"; on: string }
  /** Opens a barrier of the origin. */
  | { do: "open"; barrier: string }
  /** Waits for a fact at the origin: so many requests (for a path), or a barrier reached. */
  | { do: "until"; requests?: number; path?: string; held?: string; closed?: string }
  /** Origin off (connections refused and cut) and on again, on the same port. */
  | { do: "origin"; state: "off" | "on" }
  /** Empties the target's cache; stops and starts it on the same cache (kill: with SIGKILL). */
  | { do: "clear" }
  | { do: "restart"; kill?: boolean }
  /** Lets real time pass; says why. */
  | { do: "elapse"; ms: number; why: string }
  /** The whole of a simple exchange on a connection of its own: connect, send, read to the end, close. */
  | {
      do: "get";
      request: string;
      path: string;
      form?: "query" | "path";
      method?: string;
      fields?: [string, string][];
    }
  /** Several simple exchanges at once. */
  | {
      do: "together";
      gets: { request: string; path: string; form?: "query" | "path"; method?: string; fields?: [string, string][] }[];
    };
