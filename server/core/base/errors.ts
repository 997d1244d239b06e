/**
 * The closed table of operating errors: what went wrong, the status a player sees, and how loud the log is
 * (SPEC: R-ERROR-1). Operating errors are values of this table; a programmer's error asserts.
 */
export type ErrorCode =
  | "bad-request"
  | "bad-target"
  | "bad-url"
  | "forbidden-secret"
  | "forbidden-upstream"
  | "forbidden-page"
  | "bad-command"
  | "not-found"
  | "method-not-allowed"
  | "request-timeout"
  | "target-too-long"
  | "wrong-host"
  | "head-too-large"
  | "internal"
  | "upstream-refused"
  | "upstream-dns"
  | "upstream-tls"
  | "upstream-protocol"
  | "upstream-truncated"
  | "upstream-redirects"
  | "upstream-bad-range"
  | "playlist-too-large"
  | "too-busy"
  | "upstream-timeout"
  | "offline"
  | "not-stored"
  | "stopping";

/** One row: the response status, the title of the problem body, and the log level. */
export type ErrorRow = { status: number; title: string; level: "debug" | "info" | "warn" | "error" };

/** The rows; every code has exactly one. Titles are the problem body's `title` (RFC 9457 section 3.1.4). */
export const errorTable: Record<ErrorCode, ErrorRow> = {
  "bad-request": { status: 400, title: "The request is malformed", level: "info" },
  "bad-target": { status: 400, title: "The request target names no upstream URL", level: "info" },
  "bad-url": { status: 400, title: "The upstream URL is not a usable http or https URL", level: "info" },
  "forbidden-secret": { status: 403, title: "The proxied URL lacks the right secret", level: "warn" },
  "forbidden-upstream": { status: 403, title: "The upstream is not allowed", level: "warn" },
  "forbidden-page": { status: 403, title: "A page may not control the proxy", level: "warn" },
  "bad-command": { status: 400, title: "The command is not understood", level: "info" },
  "not-found": { status: 404, title: "There is nothing at this path", level: "info" },
  "method-not-allowed": { status: 405, title: "Only GET, HEAD and OPTIONS are served", level: "info" },
  "request-timeout": { status: 408, title: "The request head did not arrive in time", level: "info" },
  "target-too-long": { status: 414, title: "The request target is too long", level: "info" },
  "wrong-host": { status: 421, title: "The Host field does not name this proxy", level: "warn" },
  "head-too-large": { status: 431, title: "The request head is too large", level: "info" },
  internal: { status: 500, title: "The proxy failed", level: "error" },
  "upstream-refused": { status: 502, title: "The origin cannot be reached", level: "warn" },
  "upstream-dns": { status: 502, title: "The origin's name cannot be resolved", level: "warn" },
  "upstream-tls": { status: 502, title: "The origin's certificate or TLS handshake failed", level: "warn" },
  "upstream-protocol": { status: 502, title: "The origin's response is not valid HTTP", level: "warn" },
  "upstream-truncated": { status: 502, title: "The origin ended its response early", level: "warn" },
  "upstream-redirects": { status: 502, title: "The origin redirects too often or nowhere", level: "warn" },
  "upstream-bad-range": { status: 502, title: "The origin's partial response contradicts itself", level: "warn" },
  "playlist-too-large": { status: 502, title: "The playlist is too large", level: "warn" },
  "too-busy": { status: 503, title: "Too many upstream transfers", level: "warn" },
  "upstream-timeout": { status: 504, title: "The origin is silent", level: "warn" },
  offline: { status: 504, title: "The origin is out of reach, and nothing stored may be served", level: "warn" },
  "not-stored": {
    status: 504,
    title: "Nothing that is stored may be served, and only that was asked for",
    level: "info",
  },
  stopping: { status: 503, title: "The proxy is stopping", level: "info" },
};

/** The row of a code. */
export function errorRow(code: ErrorCode): ErrorRow {
  return errorTable[code];
}
