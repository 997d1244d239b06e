/**
 * Which upstreams the proxy may reach: by name before resolution, by address after it, redirects included. Without this
 * a web page or a playlist could use the proxy to reach the machine's own network.
 */
import { lowerAscii } from "../base/bytes.ts";
import { parseAuthority, parseUri } from "../http/uri-reference.ts";
import { anyPort, noPort, sameHost, splitHostPort } from "./host-check.ts";
import { ipHasPrefix, parseIp } from "./ip-address.ts";
import { isUpstreamUrl } from "./request-target.ts";

/** What an address is for. Only `public` ones are reachable without permission. */
export type AddressClass = "public" | "private" | "loopback" | "link-local" | "reserved";

/** One row of the address table; `embedded` is the index of an IPv4 address inside that decides instead, or -1. */
type AddressRow = { prefix: string; bits: number; addressClass: AddressClass; embedded: number };

/**
 * The IANA special-purpose registries (RFC 6890), first match wins. What is written here as `embedded` is reached
 * through a translator or tunnel, so the inner IPv4 address is what counts.
 */
const addressTable: AddressRow[] = [
  { prefix: "0.0.0.0", bits: 8, addressClass: "reserved", embedded: -1 },
  { prefix: "10.0.0.0", bits: 8, addressClass: "private", embedded: -1 },
  { prefix: "100.64.0.0", bits: 10, addressClass: "private", embedded: -1 },
  { prefix: "127.0.0.0", bits: 8, addressClass: "loopback", embedded: -1 },
  { prefix: "169.254.0.0", bits: 16, addressClass: "link-local", embedded: -1 },
  { prefix: "172.16.0.0", bits: 12, addressClass: "private", embedded: -1 },
  { prefix: "192.0.0.0", bits: 24, addressClass: "reserved", embedded: -1 },
  { prefix: "192.0.2.0", bits: 24, addressClass: "reserved", embedded: -1 },
  { prefix: "192.88.99.0", bits: 24, addressClass: "reserved", embedded: -1 },
  { prefix: "192.168.0.0", bits: 16, addressClass: "private", embedded: -1 },
  { prefix: "198.18.0.0", bits: 15, addressClass: "reserved", embedded: -1 },
  { prefix: "198.51.100.0", bits: 24, addressClass: "reserved", embedded: -1 },
  { prefix: "203.0.113.0", bits: 24, addressClass: "reserved", embedded: -1 },
  { prefix: "224.0.0.0", bits: 3, addressClass: "reserved", embedded: -1 },
  { prefix: "0.0.0.0", bits: 0, addressClass: "public", embedded: -1 },
  { prefix: "::1", bits: 128, addressClass: "loopback", embedded: -1 },
  { prefix: "::ffff:0:0", bits: 96, addressClass: "reserved", embedded: 12 },
  { prefix: "64:ff9b::", bits: 96, addressClass: "reserved", embedded: 12 },
  { prefix: "64:ff9b:1::", bits: 48, addressClass: "private", embedded: -1 },
  { prefix: "2001::", bits: 23, addressClass: "reserved", embedded: -1 },
  { prefix: "2001:db8::", bits: 32, addressClass: "reserved", embedded: -1 },
  { prefix: "2002::", bits: 16, addressClass: "reserved", embedded: 2 },
  { prefix: "3fff::", bits: 20, addressClass: "reserved", embedded: -1 },
  { prefix: "2000::", bits: 3, addressClass: "public", embedded: -1 },
  { prefix: "fc00::", bits: 7, addressClass: "private", embedded: -1 },
  { prefix: "fe80::", bits: 10, addressClass: "link-local", embedded: -1 },
  { prefix: "fec0::", bits: 10, addressClass: "private", embedded: -1 },
];

/** The class of an IP address in text; `reserved` when it is no address, so that a doubt is a refusal. */
export function addressClass(ip: string): AddressClass {
  const bytes = parseIp(ip);
  // R-UPSTREAM-1
  return bytes === null ? "reserved" : classOfBytes(bytes);
}

/**
 * True when a host pattern covers the host and port: `*`, `*.example.com` (names below it, not itself), a name, an IP
 * address, each with `:port`, `:*` or nothing for every port. A case-insensitive comparison; a final dot is ignored.
 */
export function hostPatternMatches(pattern: string, host: string, port: number): boolean {
  const wanted = splitHostPort(pattern);
  const given = splitHostPort(host.includes(":") && !host.startsWith("[") ? `[${host}]` : host);
  if (wanted === null || given === null || given.port !== noPort) {
    return false;
  }
  // R-UPSTREAM-3
  if (wanted.port !== noPort && wanted.port !== anyPort && wanted.port !== port) {
    return false;
  }
  const name = withoutFinalDot(given.host);
  const wantedName = withoutFinalDot(wanted.host);
  // R-UPSTREAM-4
  if (wantedName === "*") {
    return true;
  }
  if (wantedName.startsWith("*.")) {
    return name.length > wantedName.length - 1 && name.endsWith(wantedName.slice(1));
  }
  return sameHost(wantedName, name);
}

/** True when the URL is a usable http(s) URL and the allow-list (empty: every host) covers its host and port. */
export function upstreamUrlAllowed(url: string, allow: string[]): boolean {
  if (!isUpstreamUrl(url)) {
    return false;
  }
  const parts = parseUri(url);
  const authority = parseAuthority(parts.authority ?? "", lowerAscii(parts.scheme ?? ""));
  if (authority === null) {
    return false;
  }
  // R-UPSTREAM-5
  return allow.length === 0 || anyPatternMatches(allow, authority.host, authority.port);
}

/**
 * True when a resolved address may be connected to: public ones always, others only when a pattern of `allowPrivate`
 * covers the URL's host and port or the address and port.
 */
export function upstreamAddressAllowed(ip: string, host: string, port: number, allowPrivate: string[]): boolean {
  // R-UPSTREAM-6
  if (addressClass(ip) === "public") {
    return true;
  }
  return anyPatternMatches(allowPrivate, host, port) || anyPatternMatches(allowPrivate, ip, port);
}

function classOfBytes(bytes: number[]): AddressClass {
  for (const row of addressTable) {
    const prefix = parseIp(row.prefix);
    if (prefix !== null && ipHasPrefix(bytes, prefix, row.bits)) {
      // R-UPSTREAM-2
      return row.embedded < 0 ? row.addressClass : classOfBytes(bytes.slice(row.embedded, row.embedded + 4));
    }
  }
  return "reserved";
}

function anyPatternMatches(patterns: string[], host: string, port: number): boolean {
  for (const pattern of patterns) {
    if (hostPatternMatches(pattern, host, port)) {
      return true;
    }
  }
  return false;
}

function withoutFinalDot(host: string): string {
  return host.endsWith(".") ? host.slice(0, -1) : host;
}
