/** Writes response heads, and remembers the connections that end with one: nothing behind it is read as a request. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { fieldFirst } from "../core/http/field-list.ts";
import type { ResponseHead } from "../core/response/response-head.ts";

/** Connections on which the last response has begun. */
const closing = new WeakSet<Socket>();

/** Writes a head as it stands, without the additions of the HTTP library. */
export function writeHead(response: ServerResponse, head: ResponseHead): void {
  response.sendDate = false;
  response.writeHead(head.status, head.reason, libraryFields(head.fields));
  // Connection is the last field of every head (R-RESP-1).
  if (head.fields[head.fields.length - 1] === "close") markClosing(response.req.socket);
}

/**
 * The fields in the form in which the HTTP library writes each byte as it stands. It reads the bytes of one value as
 * UTF-8, that of Content-Disposition behind a Content-Length that is not 0, and refuses or changes it then (R-FIELD-11).
 */
function libraryFields(fields: string[]): string[] {
  if (fieldFirst(fields, "content-disposition") === null) return fields;
  const written = fields.slice();
  let sized = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]?.toLowerCase();
    if (name === "content-length") sized = fields[at + 1] !== "0";
    if (name === "content-disposition" && sized)
      written[at + 1] = Buffer.from(fields[at + 1] ?? "", "utf8").toString("latin1");
  }
  return written;
}

/** Lets no further request of this connection count. */
export function markClosing(socket: Socket): void {
  closing.add(socket);
}

/** Whether the last response of this connection has begun. */
export function isClosing(socket: Socket): boolean {
  return closing.has(socket);
}
