/** Odd requests to two proxies: the same ones each time, and no difference goes unseen. */
import type { Socket } from "node:net";
import t from "tap";
import { compareProxies } from "../requests/compare-proxies.ts";
import { talk } from "../requests/raw-talk.ts";
import { allOddRequests, madeRequests } from "../requests/request-maker.ts";
import { referenceLauncher } from "../sut/reference.ts";
import { launchedTarget } from "../sut/target.ts";
import { listen } from "./support/sockets.ts";

const bytes = Buffer.from("GET /health HTTP/1.1\r\n\r\n");

/** The port of a server that does this with each connection, once it has heard something. */
async function portOf(t: { teardown(fn: () => unknown): unknown }, serve: (socket: Socket) => void): Promise<number> {
  const url = await listen(t, (socket) => {
    socket.once("data", () => serve(socket));
  });
  return Number(new URL(url).port);
}

t.test("the same seed makes the same requests, another one others", async (t) => {
  const made = (seed: number): string[] => madeRequests(seed, 50, "h:1").map((one) => one.bytes.toString("latin1"));
  t.same(made(1), made(1));
  t.notSame(made(1), made(2));
  t.equal(made(1).length, 50);
  t.ok(allOddRequests("h:1").length > 200);
});

t.test("the end of a connection is told from what was announced", async (t) => {
  const closing = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  const announced = await portOf(t, (socket) => void setTimeout(() => socket.end(closing), 100));
  const silent = await portOf(t, (socket) => void socket.end());
  const waiting = await portOf(t, (socket) => {
    socket.on("end", () => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
  });
  t.same(await talk(announced, bytes), { text: closing, end: "announced" });
  t.same(await talk(silent, bytes), { text: "", end: "proxy" });
  t.same(await talk(waiting, bytes), { text: "HTTP/1.1 200 OK\r\n\r\n", end: "player" });
});

t.test("two proxies that differ in a byte, or in who ends the connection, are told apart", async (t) => {
  const answer = (text: string) => (socket: Socket) => {
    socket.on("end", () => socket.end());
    socket.write(text);
  };
  const one = await portOf(t, answer("HTTP/1.1 200 OK\r\nDate: Mon\r\nX: a\r\n\r\n"));
  const same = await portOf(t, answer("HTTP/1.1 200 OK\r\nDate: Tue\r\nX: a\r\n\r\n"));
  const other = await portOf(t, answer("HTTP/1.1 200 OK\r\nDate: Tue\r\nX: b\r\n\r\n"));
  const ends = await portOf(t, (socket) => void socket.end("HTTP/1.1 200 OK\r\nDate: Mon\r\nX: a\r\n\r\n"));
  const requests = [{ name: "only", bytes }];
  t.same(await compareProxies(one, same, requests), []);
  t.match(await compareProxies(one, other, requests), [{ name: "only", right: { text: /X: b/ } }]);
  t.match(await compareProxies(one, ends, requests), [{ left: { end: "player" }, right: { end: "proxy" } }]);
});

t.test("the reference answers odd requests as itself", async (t) => {
  const target = launchedTarget("reference", [referenceLauncher(new URL("../../server/", import.meta.url).pathname)]);
  t.teardown(() => target.end());
  const [left, right] = [await target.start({}), await target.start({})];
  t.teardown(() => Promise.all([left.stop(), right.stop()]));
  const [one, other] = [left, right].map((running) => Number(new URL(running.url).port));
  const host = `127.0.0.1:${one}`;
  const requests = [...allOddRequests(host), ...madeRequests(1, 100, host)];
  t.same(await compareProxies(one ?? 0, other ?? 0, requests), []);
});
