/** Plain sockets for tests of the harness: what a side says, byte for byte, and how it ends. */
import { connect, createServer, type Socket } from "node:net";

/** What this file needs of a tap test. */
type Test = { teardown(fn: () => unknown): unknown };

/** Everything that came on a connection, and how it ended. */
export type Heard = { text: string; end: "fin" | "reset" };

/** Sends exact bytes to `http://host:port` and hears everything to the end of the connection. */
export function tell(url: string, bytes: string): Promise<Heard> {
  const { socket, heard } = open(url);
  socket.write(Buffer.from(bytes, "latin1"));
  return heard;
}

/** A connection whose bytes can be looked at while they come. */
export function open(url: string): { socket: Socket; heard: Promise<Heard>; has: (text: string) => Promise<void> } {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let text = "";
  const { promise, resolve } = Promise.withResolvers<Heard>();
  socket.on("data", (piece: Buffer) => {
    text += piece.toString("latin1");
  });
  socket.on("error", () => resolve({ text, end: "reset" }));
  socket.on("close", () => resolve({ text, end: "fin" }));
  const has = (wanted: string): Promise<void> =>
    new Promise((found, failed) => {
      const look = (): void => {
        if (text.includes(wanted)) found();
      };
      socket.on("data", look);
      socket.on("close", () => failed(new Error(`ended without ${JSON.stringify(wanted)}: ${JSON.stringify(text)}`)));
      look();
    });
  return { socket, heard: promise, has };
}

/** A server whose every connection is handled by `serve`; closed with all its connections at teardown. */
export async function listen(t: Test, serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}
