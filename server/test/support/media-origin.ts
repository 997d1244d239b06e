/** A small origin of the demo's media, whose playlists a test writes anew. It knows no ranges: no set of the tests needs them. */
import { createServer } from "node:http";
import { join } from "node:path";
import { contentTypeOf, readMediaFile } from "../../demo/media-files.ts";
import type { RawTest } from "./raw-origin.ts";

/** What the origin answers to a path and its query, instead of the file; null for the file, a number for a status. */
export type MediaEdit = (
  path: string,
  query: URLSearchParams,
  text: string,
) => { type: string; text: string } | number | null;

export type MediaOrigin = {
  url: string;
  port: number;
  /** What was asked for, in that order: a path with its query, and the Host that was named. */
  log: { target: string; host: string }[];
  close(): Promise<void>;
};

/** A page may read it without the proxy, too. */
const usualFields = { "Cache-Control": "max-age=1000", "Access-Control-Allow-Origin": "*" };

const mediaDir = join(import.meta.dirname, "../../../fixtures/media");

/** Serves the media below "/"; `edit` sees every request first, with the file's text. */
export async function startMediaOrigin(t: RawTest, edit: MediaEdit): Promise<MediaOrigin> {
  const log: MediaOrigin["log"] = [];
  const server = createServer((request, response) => {
    const target = request.url ?? "/";
    log.push({ target, host: request.headers.host ?? "" });
    const { pathname, searchParams } = new URL(target, "http://origin");
    const file = readMediaFile(mediaDir, pathname);
    const edited = edit(pathname, searchParams, file?.body.toString("latin1") ?? "");
    if (typeof edited === "number" || (edited === null && file === null)) {
      response.writeHead(typeof edited === "number" ? edited : 404).end();
      return;
    }
    const body = edited === null ? (file?.body ?? Buffer.alloc(0)) : Buffer.from(edited.text, "latin1");
    const type = edited === null ? contentTypeOf(file?.extension ?? "") : edited.type;
    response.setHeaders(new Map(Object.entries(usualFields))).setHeader("Content-Type", type);
    response.setHeader("Content-Length", body.length);
    response.end(request.method === "HEAD" ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.teardown(close);
  return { url: `http://127.0.0.1:${port}`, port, log, close };
}
