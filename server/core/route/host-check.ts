/**
 * Whether a request is meant for this proxy. A page of a foreign site can make a browser send requests to loopback
 * under the site's own name (DNS rebinding); the Host field gives it away (RFC 9110 section 7.2).
 */
import { lowerAscii, parseDigits, trimOws } from "../base/bytes.ts";
import { parseIp, sameIp } from "./ip-address.ts";

/**
 * Checks the Host field, or the authority of an absolute-form target in its place. `hostCount` is the number of Host
 * fields; `localAddress` and `localPort` are the connection's own end; `allowedNames` are `name` (any port) or `name:port`.
 */
export function hostAllowed(
  hostField: string | null,
  hostCount: number,
  localAddress: string,
  localPort: number,
  allowedNames: string[],
): "ok" | "missing" | "wrong" {
  // R-HOST-1
  if (hostField === null || hostCount === 0) {
    return "missing";
  }
  // R-HOST-2
  if (hostCount > 1) {
    return "wrong";
  }
  const asked = splitHostPort(trimOws(hostField));
  if (asked === null || asked.port === anyPort) {
    return "wrong";
  }
  // R-HOST-3
  const port = asked.port === noPort ? 80 : asked.port;
  if (port === localPort && isOwnHost(asked.host, localAddress)) {
    return "ok";
  }
  // R-HOST-5
  for (const name of allowedNames) {
    const allowed = splitHostPort(name);
    if (allowed !== null && sameHost(allowed.host, asked.host) && (allowed.port < 0 || allowed.port === port)) {
      return "ok";
    }
  }
  return "wrong";
}

/** A host in lower case without brackets, and its port. */
export type HostPort = { host: string; port: number };

/** `HostPort.port` when the text names no port. */
export const noPort = -1;

/** `HostPort.port` when the text's port is `*`. */
export const anyPort = -2;

/**
 * Splits `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address. Null when the host is empty or the port is
 * not 0 to 65535.
 */
export function splitHostPort(text: string): HostPort | null {
  const lower = lowerAscii(text);
  let hostEnd = lower.indexOf(":");
  if (lower.startsWith("[")) {
    hostEnd = lower.indexOf("]") + 1;
    if (hostEnd === 0 || parseIp(lower.slice(0, hostEnd)) === null) {
      return null;
    }
  } else if (hostEnd < 0 || lower.indexOf(":", hostEnd + 1) >= 0) {
    hostEnd = lower.length;
  }
  const host = lower.startsWith("[") ? lower.slice(1, hostEnd - 1) : lower.slice(0, hostEnd);
  const rest = lower.slice(hostEnd);
  if (host === "" || (rest !== "" && !rest.startsWith(":"))) {
    return null;
  }
  if (rest === "") {
    return { host, port: noPort };
  }
  const port = rest === ":*" ? anyPort : parseDigits(rest.slice(1));
  return port === -1 || port > 65535 ? null : { host, port };
}

/** Hosts are equal as addresses when both are addresses, else as names. Both in lower case without brackets. */
export function sameHost(a: string, b: string): boolean {
  // Most hosts that are the same are so letter by letter.
  if (a === b) {
    return true;
  }
  const left = parseIp(a);
  const right = parseIp(b);
  return left !== null && right !== null && sameIp(left, right);
}

function isOwnHost(host: string, localAddress: string): boolean {
  // R-HOST-4
  return host === "localhost" || sameHost(host, "127.0.0.1") || sameHost(host, "::1") || sameHost(host, localAddress);
}
