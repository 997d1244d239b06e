/** Writes response heads, and remembers the connections that end with one: nothing behind it is read as a request. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ResponseHead } from "../core/response/response-head.ts";

/** Connections on which the last response has begun. */
const closing = new WeakSet<Socket>();

/** Writes a head as it stands, without the additions of the HTTP library. */
export function writeHead(response: ServerResponse, head: ResponseHead): void {
  response.sendDate = false;
  response.writeHead(head.status, head.reason, head.fields);
  // Connection is the last field of every head (R-RESP-1).
  if (head.fields[head.fields.length - 1] === "close") markClosing(response.req.socket);
}

/** Lets no further request of this connection count. */
export function markClosing(socket: Socket): void {
  closing.add(socket);
}

/** Whether the last response of this connection has begun. */
export function isClosing(socket: Socket): boolean {
  return closing.has(socket);
}
