/**
 * Byte strings: wire text held as a string in which one character is one byte (latin1, codes 0 to 255).
 *
 * Header names and values, request targets and playlist bodies all travel in this form, so that bytes survive
 * untouched. ASCII is the only alphabet with meaning here: case folding and white space never reach past it.
 */

/** The largest integer of the core, 2^53-1; digits that say more saturate here. */
export const integerMax = 9007199254740991;

/** True for the codes of "0" to "9". */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** The text with A to Z lowered; every other byte stays (R-BYTE-1). */
export function lowerAscii(text: string): string {
  let lowered = "";
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // R-BYTE-1
    if (code >= 65 && code <= 90) {
      lowered += text.slice(copied, at) + String.fromCharCode(code + 32);
      copied = at + 1;
    }
  }
  return copied === 0 ? text : lowered + text.slice(copied);
}

/** The text without leading and trailing spaces and tabs (OWS, RFC 9110 section 5.6.3); no other white space goes. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  // R-BYTE-2
  while (start < end && isOws(text.charCodeAt(start))) {
    start += 1;
  }
  while (end > start && isOws(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  return text.slice(start, end);
}

/** The number that a run of ASCII digits says: -1 when empty or when any byte is no digit; saturates at `integerMax`. */
export function parseDigits(text: string): number {
  // R-BYTE-3
  if (text.length === 0) {
    return -1;
  }
  let value = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) {
      return -1;
    }
    const digit = code - 48;
    // R-BYTE-4: compared before multiplying, so that no step leaves the exact integers. 2^53-1 ends in the digit 1.
    if (value > 900719925474099 || (value === 900719925474099 && digit > 1)) {
      value = integerMax;
    } else if (value !== integerMax) {
      value = value * 10 + digit;
    }
  }
  return value;
}

/** True when both texts are the same but for ASCII case. */
export function equalIgnoreCase(a: string, b: string): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let at = 0; at < a.length; at += 1) {
    // R-BYTE-1
    if (lowerCode(a.charCodeAt(at)) !== lowerCode(b.charCodeAt(at))) {
      return false;
    }
  }
  return true;
}

/** True when both texts are the same; the time taken tells only the length of `a`, never where they differ (R-BYTE-5). */
export function equalConstantTime(a: string, b: string): boolean {
  // R-BYTE-5: every byte of `a` is looked at, whatever came before.
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at += 1) {
    const other = at < b.length ? b.charCodeAt(at) : 0;
    difference |= a.charCodeAt(at) ^ other;
  }
  return difference === 0;
}

/** True for a non-empty run of `tchar` (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    // R-BYTE-6
    if (!isTokenCode(text.charCodeAt(at))) {
      return false;
    }
  }
  return text.length > 0;
}

/** Percent-encoded bytes as ECMAScript's encodeURIComponent writes them: A-Z a-z 0-9 - _ . ! ~ * ' ( ) stay. */
export function percentEncode(byteText: string): string {
  let encoded = "";
  let copied = 0;
  for (let at = 0; at < byteText.length; at += 1) {
    const code = byteText.charCodeAt(at);
    // R-BYTE-7
    if (!isComponentCode(code)) {
      encoded += `${byteText.slice(copied, at)}%${hexDigit(code >> 4)}${hexDigit(code & 15)}`;
      copied = at + 1;
    }
  }
  return copied === 0 ? byteText : encoded + byteText.slice(copied);
}

/** The bytes behind percent-encoded text, "+" staying "+"; null when a "%" is not followed by two hexadecimal digits. */
export function percentDecode(text: string): string | null {
  let decoded = "";
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    if (text.charCodeAt(at) !== 37) {
      at += 1;
      continue;
    }
    const high = at + 1 < text.length ? hexValue(text.charCodeAt(at + 1)) : -1;
    const low = at + 2 < text.length ? hexValue(text.charCodeAt(at + 2)) : -1;
    // R-BYTE-8
    if (high < 0 || low < 0) {
      return null;
    }
    decoded += text.slice(copied, at) + String.fromCharCode(high * 16 + low);
    at += 3;
    copied = at;
  }
  return copied === 0 ? text : decoded + text.slice(copied);
}

function isOws(code: number): boolean {
  return code === 32 || code === 9;
}

function lowerCode(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

function isAlphanumeric(code: number): boolean {
  return isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function isTokenCode(code: number): boolean {
  // ! # $ % & ' * + - . ^ _ ` | ~
  if (isAlphanumeric(code) || code === 33 || (code >= 35 && code <= 39)) {
    return true;
  }
  if (code === 42 || code === 43 || code === 45 || code === 46) {
    return true;
  }
  return code === 94 || code === 95 || code === 96 || code === 124 || code === 126;
}

function isComponentCode(code: number): boolean {
  // ! ' ( ) * - . _ ~
  if (isAlphanumeric(code) || code === 33 || (code >= 39 && code <= 42)) {
    return true;
  }
  return code === 45 || code === 46 || code === 95 || code === 126;
}

function hexDigit(value: number): string {
  return String.fromCharCode(value < 10 ? 48 + value : 55 + value);
}

function hexValue(code: number): number {
  if (isDigit(code)) {
    return code - 48;
  }
  if (code >= 65 && code <= 70) {
    return code - 55;
  }
  return code >= 97 && code <= 102 ? code - 87 : -1;
}
