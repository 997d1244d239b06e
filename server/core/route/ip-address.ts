/**
 * IP addresses as bytes: 4 for IPv4, 16 for IPv6. Text in canonical dotted decimal (no leading zeros, no octal, no
 * shortened forms) or RFC 4291 section 2.2; a resolver hands out nothing else, so everything else is no address.
 */
import { isDigit, parseDigits } from "../base/bytes.ts";

/** The address's bytes; null when the text is no IP address. Brackets and a zone (`%eth0`) are taken off first. */
export function parseIp(text: string): number[] | null {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const zone = bare.indexOf("%");
  const address = zone < 0 ? bare : bare.slice(0, zone);
  return address.includes(":") ? parseIpv6(address) : parseIpv4(address);
}

/** True when both are the same address; an IPv4-mapped IPv6 address equals its IPv4 address. */
export function sameIp(a: number[], b: number[]): boolean {
  const left = unmapped(a);
  const right = unmapped(b);
  return left.length === right.length && ipHasPrefix(left, right, left.length * 8);
}

/** True when the first `bits` bits of the address are those of `prefix`; false when the families differ. */
export function ipHasPrefix(address: number[], prefix: number[], bits: number): boolean {
  if (address.length !== prefix.length) {
    return false;
  }
  const whole = Math.floor(bits / 8);
  for (let index = 0; index < whole; index += 1) {
    if (address[index] !== prefix[index]) {
      return false;
    }
  }
  const shift = 8 - (bits % 8);
  return shift === 8 || (address[whole] ?? 0) >> shift === (prefix[whole] ?? 0) >> shift;
}

/** The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2); else the address itself. */
function unmapped(address: number[]): number[] {
  const isMapped = address.length === 16 && ipHasPrefix(address, mappedPrefix, 96);
  return isMapped ? address.slice(12) : address;
}

const mappedPrefix: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];

function parseIpv4(text: string): number[] | null {
  const pieces = text.split(".");
  if (pieces.length !== 4) {
    return null;
  }
  const bytes: number[] = [];
  for (const piece of pieces) {
    const value = parseDigits(piece);
    if (value < 0 || value > 255 || (piece.length > 1 && piece.startsWith("0"))) {
      return null;
    }
    bytes.push(value);
  }
  return bytes;
}

function parseIpv6(text: string): number[] | null {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const bytes = parseGroups(text);
    return bytes !== null && bytes.length === 16 ? bytes : null;
  }
  const head = parseGroups(text.slice(0, gap));
  const tail = parseGroups(text.slice(gap + 2));
  // Dotted decimal may stand only at the very end, and "::" must stand for at least one group.
  if (head === null || tail === null || text.slice(0, gap).includes(".") || head.length + tail.length > 14) {
    return null;
  }
  const bytes = head.slice();
  while (bytes.length < 16 - tail.length) {
    bytes.push(0);
  }
  for (const byte of tail) {
    bytes.push(byte);
  }
  return bytes;
}

/** Groups between colons as bytes; the last one may be dotted decimal. "" is no groups; null when malformed. */
function parseGroups(text: string): number[] | null {
  const bytes: number[] = [];
  if (text === "") {
    return bytes;
  }
  const groups = text.split(":");
  for (let index = 0; index < groups.length; index += 1) {
    const group = groups[index] ?? "";
    if (group.includes(".")) {
      const dotted = index === groups.length - 1 ? parseIpv4(group) : null;
      if (dotted === null) {
        return null;
      }
      for (const byte of dotted) {
        bytes.push(byte);
      }
    } else {
      const value = parseHexGroup(group);
      if (value < 0) {
        return null;
      }
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** One to four hexadecimal digits; -1 otherwise. */
function parseHexGroup(group: string): number {
  if (group.length === 0 || group.length > 4) {
    return -1;
  }
  let value = 0;
  for (let index = 0; index < group.length; index += 1) {
    const digit = hexDigit(group.charCodeAt(index));
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(code: number): number {
  if (isDigit(code)) {
    return code - 0x30;
  }
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
