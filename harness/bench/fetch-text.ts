/** One request on a connection of its own, or on an agent's, for what cases look at themselves. */
import { type Agent, get } from "node:http";

export type Fetched = { status: number; text: string; bytes: number };

/** Longest wait for an answer, in milliseconds. */
const patienceMs = 20_000;

/** Rejects when the connection fails or nothing comes. `enough`: leaves once so many bytes have come. */
export function fetchText(
  port: number,
  path: string,
  agent?: Agent,
  enough?: number,
  host = "127.0.0.1",
): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const request = get({ port, host, path, agent: agent ?? false }, (response) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      const done = (): void => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString("latin1"), bytes });
      };
      response.on("data", (piece: Buffer) => {
        pieces.push(piece);
        bytes += piece.length;
        if (enough === undefined || bytes < enough) return;
        done();
        request.destroy();
      });
      response.on("end", done);
      response.on("error", reject);
    });
    request.setTimeout(patienceMs, () => request.destroy(new Error(`no answer for ${patienceMs} ms`)));
    request.on("error", reject);
  });
}
