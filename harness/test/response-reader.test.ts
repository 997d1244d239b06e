import type { Socket } from "node:net";
import t from "tap";
import type { WireResponse } from "../case/result-types.ts";
import { beginReading, finishReading, readUntil } from "../player/response-reader.ts";
import { openSocket, wireOn } from "../player/wire.ts";
import { listen } from "./support/sockets.ts";

type Test = { teardown(fn: () => unknown): unknown };

/** Reads the response that a server gives which says exactly `said` and then ends as `last` does. */
async function readAnswer(
  t: Test,
  said: string,
  last: (socket: Socket) => void,
  until: "head" | "end" | number = "end",
  method = "GET",
): Promise<WireResponse> {
  const answer = (socket: Socket): void => void socket.write(Buffer.from(said, "latin1"), () => last(socket));
  const url = await listen(t, (socket) => socket.once("data", () => answer(socket)));
  const wire = wireOn(await openSocket("127.0.0.1", Number(new URL(url).port)));
  t.teardown(() => wire.close());
  const reading = beginReading(wire, "a", method, "", () => 1);
  await wire.write("GET / HTTP/1.1\r\n\r\n");
  await readUntil(reading, until);
  return finishReading(reading);
}

const stays = (): undefined => undefined;
const ends = (socket: Socket): void => void socket.end();
const head = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n";

t.test("a good response is complete, without a fault, and is kept as it was", async (t) => {
  const response = await readAnswer(t, `${head}Content-Length: 4\r\n\r\nbody`, stays);
  t.match(response, { framing: "length", bytes: 4, text: "body", end: "complete", faults: [] });
  t.equal(response.head, `${head}Content-Length: 4\r\n\r\n`);
  t.equal(response.sha256, "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5");
});

t.test("a chunked response is put together; a close-delimited one ends with the connection", async (t) => {
  const chunks = "2;x=1\r\nbo\r\n";
  const chunked = await readAnswer(
    t,
    `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n`,
    stays,
  );
  t.match(chunked, { framing: "chunked", bytes: 4, text: "body", end: "complete", faults: [] });
  const extended = await readAnswer(t, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`, stays);
  t.match(extended, { end: "cut", faults: [/chunk size/] });
  t.match(await readAnswer(t, `${head}\r\nbody`, ends), { framing: "close", text: "body", end: "complete" });
});

t.test("a response that ends early is cut, by FIN or by RST, whatever its framing", async (t) => {
  t.match(await readAnswer(t, `${head}Content-Length: 9\r\n\r\nbody`, ends), { end: "cut", bytes: 4 });
  t.match(await readAnswer(t, `${head}Transfer-Encoding: chunked\r\n\r\n9\r\nbody`, ends), { end: "cut", bytes: 4 });
  t.match(await readAnswer(t, `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n`, ends), {
    end: "cut",
    bytes: 4,
  });
  t.match(await readAnswer(t, "", (socket) => socket.resetAndDestroy()), { end: "reset", head: "" });
  t.match(await readAnswer(t, "", ends), { end: "none", head: "" });
  t.match(await readAnswer(t, "HTTP/1.1 200 OK\r\n", ends), { end: "cut", faults: [/inside the head/] });
});

t.test("no body is awaited after HEAD, 204 and 304", async (t) => {
  t.match(await readAnswer(t, `${head}Content-Length: 9\r\n\r\n`, stays, "end", "HEAD"), { end: "complete", bytes: 0 });
  t.match(await readAnswer(t, "HTTP/1.1 204 No Content\r\n\r\n", stays), { end: "complete", framing: "none" });
  t.match(await readAnswer(t, 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', stays), { end: "complete" });
});

t.test("reading stops at the head, or after exactly so many bytes", async (t) => {
  const said = `${head}Content-Length: 9\r\n\r\nbodybodyb`;
  t.match(await readAnswer(t, said, stays, "head"), { end: "open", bytes: 0 });
  t.match(await readAnswer(t, said, stays, 4), { end: "open", bytes: 4, text: "body" });
  t.match(await readAnswer(t, said, stays, 9), { end: "complete", bytes: 9 });
});

t.test("every bad head is a fault, in words", async (t) => {
  for (const [bad, fault] of [
    ["HTTP/2 200\r\n\r\n", /status line/],
    ["HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", /field line/],
    ["HTTP/1.1 200 OK\r\nX:a\r\nContent-Length: 0\r\n\r\n", /field line/],
    ["HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", /field line/],
    ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", /field twice/],
    ["HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n", /Content-Length/],
    ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", /two framings/],
    ["HTTP/1.1 200 OK\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n", /must not be here/],
    [
      "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\nContent-Range: bytes 0-1/4\r\n\r\na",
      /length is not its range's/,
    ],
    ["HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\na", /206 with Content-Range/],
    ["HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", /interim response/],
  ] as const) {
    const { faults } = await readAnswer(t, bad, ends);
    t.match(faults.join(), fault, JSON.stringify(bad));
  }
});

t.test("every bad chunk is a fault, and nothing after it is believed", async (t) => {
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
  for (const [bad, fault] of [
    ["0x4\r\nbody\r\n0\r\n\r\n", /chunk size/],
    [" 4\r\nbody\r\n0\r\n\r\n", /chunk size/],
    ["4\r\nbodyX\r\n0\r\n\r\n", /no CRLF after a chunk/],
  ] as const) {
    t.match(await readAnswer(t, chunked + bad, ends), { end: "cut", faults: [fault] }, bad);
  }
  const trailer = await readAnswer(t, `${chunked}4\r\nbody\r\n0\r\nX: 1\r\n\r\n`, stays);
  t.match(trailer, { end: "complete", faults: ["trailer field: X: 1"] });
});

t.test("bytes that cannot be read are no text", async (t) => {
  t.match(await readAnswer(t, `${head}Content-Length: 2\r\n\r\na\u0000`, stays), { bytes: 2, text: null });
  t.match(await readAnswer(t, `${head}Content-Length: 2\r\n\r\n\u00e4\n`, stays), { text: "\u00e4\n" });
});
