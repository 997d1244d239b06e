/** The JSON body of the proxy's own errors (RFC 9457; SPEC: R-RESP-10). */
import type { ErrorCode } from "../base/errors.ts";
import { errorRow } from "../base/errors.ts";

/**
 * The body for `code`, in ASCII, with its members always in one order; media type application/problem+json.
 * `detail` ("" leaves it out) and `instance` (null leaves it out) are byte strings.
 */
export function problemBody(code: ErrorCode, detail: string, instance: string | null): string {
  const row = errorRow(code);
  // R-RESP-10
  let body = `{"type":${jsonString(`urn:reelcache:error:${code}`)},"title":${jsonString(row.title)}`;
  body += `,"status":${row.status}`;
  if (detail !== "") {
    body += `,"detail":${jsonString(detail)}`;
  }
  if (instance !== null) {
    body += `,"instance":${jsonString(instance)}`;
  }
  return `${body}}`;
}

/** A JSON string (RFC 8259 section 7); every character outside printable ASCII becomes `\u00xx`. */
export function jsonString(text: string): string {
  let quoted = '"';
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    // R-RESP-11
    if (code === 0x22 || code === 0x5c) {
      quoted += `\\${text.charAt(index)}`;
    } else if (code >= 0x20 && code <= 0x7e) {
      quoted += text.charAt(index);
    } else {
      quoted += unicodeEscape(code);
    }
  }
  return `${quoted}"`;
}

/** `\uXXXX` in lower-case hexadecimal. */
function unicodeEscape(code: number): string {
  const digits = "0123456789abcdef";
  let text = "\\u";
  for (const divisor of [4096, 256, 16, 1]) {
    text += digits.charAt(Math.floor(code / divisor) % 16);
  }
  return text;
}
