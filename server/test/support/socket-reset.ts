/** Ends a connection with RST, as a killed program does. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * Resets the socket. One whose own end (FIN) is on the way is destroyed plainly instead: Node would never close it, and
 * the process would never end; a TLS socket cannot be reset either.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
