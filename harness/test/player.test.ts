import type { Socket } from "node:net";
import t from "tap";
import type { Resource, Step } from "../case/case-types.ts";
import type { Addresses } from "../case/placeholders.ts";
import { type Origin, startOrigin } from "../origin/origin.ts";
import { loopbackPlace } from "../origin/origin-place.ts";
import { type Played, play } from "../player/player.ts";
import { mappingOf } from "../sut/mapping.ts";
import { makeCase, textResource } from "./support/cases.ts";
import { listen, tell } from "./support/sockets.ts";

type Test = { teardown(fn: () => unknown): unknown };

/** A target that answers as `serve` does, and what the player did to it. */
type Stage = {
  play: (steps: Step[]) => Promise<Played>;
  url: string;
  origin: Origin;
  calls: string[];
  told: () => string;
};

async function stage(
  t: Test,
  serve: (socket: Socket) => void,
  resources: Record<string, Resource> = {},
): Promise<Stage> {
  let received = "";
  const url = await listen(t, (socket) => {
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
    });
    serve(socket);
  });
  const origin = await startOrigin({ resources }, performance.now(), loopbackPlace);
  t.teardown(() => origin.stop());
  const { originUrl, otherUrl } = origin;
  const addresses: Addresses = { targetUrl: url, originUrl, otherUrl, map: mappingOf(null, "") };
  const calls: string[] = [];
  const target = {
    url,
    clear: async () => void calls.push("clear"),
    restart: async (kill: boolean) => void calls.push(kill ? "kill" : "restart"),
    stop: async () => undefined,
  };
  const run = (steps: Step[]): Promise<Played> =>
    play(makeCase("test/player", resources, steps), target, origin, addresses, () => performance.now());
  return { play: run, url, origin, calls, told: () => received };
}

const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Answers each request head with the target's last path segment. */
function echo(socket: Socket): void {
  let pending = "";
  socket.on("data", (bytes: Buffer) => {
    pending += bytes.toString("latin1");
    for (let end = pending.indexOf("\r\n\r\n"); end >= 0; end = pending.indexOf("\r\n\r\n")) {
      const whole = answer(/(\w+) HTTP/.exec(pending)?.[1] ?? "");
      socket.write(pending.startsWith("HEAD") ? whole.slice(0, whole.indexOf("\r\n\r\n") + 4) : whole);
      pending = pending.slice(end + 4);
    }
  });
  socket.on("end", () => socket.end());
}

t.test("a request is written exactly as the case says, in both forms", async (t) => {
  const { play, url, origin, told } = await stage(t, echo);
  const host = new URL(url).host;
  const originHost = new URL(origin.originUrl).host;
  const { failure, responses } = await play([
    { do: "connect", as: "a" },
    {
      do: "send",
      on: "a",
      request: "1",
      path: "/x?a=1&b",
      fields: [
        ["rAnge", "bytes=0-1"],
        ["X", "{origin}"],
      ],
    },
    { do: "read", request: "1", until: "end" },
    { do: "send", on: "a", request: "2", path: "{other}/y", form: "path", method: "HEAD", httpVersion: "1.0" },
    { do: "send", on: "a", request: "3", raw: "*", method: "OPTIONS", fields: [["host", "h"]], body: "b" },
    { do: "half-close", on: "a" },
    { do: "ended", on: "a" },
  ]);
  t.equal(failure, "");
  t.equal(responses.length, 3);
  t.equal(
    told(),
    `GET /proxy?url=http%3A%2F%2F${originHost.replace(":", "%3A")}%2Fx%3Fa%3D1%26b HTTP/1.1\r\n` +
      `Host: ${host}\r\nrAnge: bytes=0-1\r\nX: ${origin.originUrl}\r\n\r\n` +
      `HEAD /http/${new URL(origin.otherUrl).host}/y HTTP/1.0\r\nHost: ${host}\r\n\r\n` +
      "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\nb",
  );
});

t.test("bytes written as they are may hold several requests, answered in their order", async (t) => {
  const { play } = await stage(t, echo);
  const { responses, failure } = await play([
    { do: "connect", as: "a" },
    { do: "write", on: "a", bytes: "GET /one HTTP/1.1\r\n\r\nGET {path:/two} HTTP/1.1\r\n\r\n", requests: ["1", "2"] },
    { do: "read", request: "2", until: "end" },
    { do: "read", request: "1", until: "end" },
  ]);
  t.equal(failure, "");
  t.same(
    responses.map((response) => [response.request, response.text, response.end]),
    [
      ["1", "one", "complete"],
      ["2", "two", "complete"],
    ],
  );
});

t.test("get and together use connections of their own and end them", async (t) => {
  let open = 0;
  const { play } = await stage(t, (socket) => {
    open += 1;
    echo(socket);
  });
  const { responses, failure } = await play([
    { do: "get", request: "1", path: "/one" },
    {
      do: "together",
      gets: [
        { request: "2", path: "/two" },
        { request: "3", path: "/three", form: "path" },
      ],
    },
  ]);
  t.equal(failure, "");
  t.equal(open, 3);
  t.same(
    responses.map((response) => response.end),
    ["complete", "complete", "complete"],
  );
});

t.test("bytes that follow a response are its fault", async (t) => {
  const { play } = await stage(t, (socket) => socket.once("data", () => socket.write(`${answer("x")}more`)));
  const { responses } = await play([{ do: "get", request: "1", path: "/one" }]);
  t.match(responses, [{ end: "complete", faults: [/bytes after the response: "more"/] }]);
});

t.test("the end of a connection can be awaited, and bytes instead of it are told", async (t) => {
  const ending = await stage(t, (socket) => socket.once("data", () => socket.end(answer("x"))));
  const steps: Step[] = [
    { do: "connect", as: "a" },
    { do: "send", on: "a", request: "1", path: "/one" },
    { do: "ended", on: "a" },
  ];
  t.equal((await ending.play(steps)).failure, "");
  const chatting = await stage(t, (socket) => socket.once("data", () => socket.end(`${answer("x")}y`)));
  t.match((await chatting.play(steps)).failure, /step 3 .*bytes instead of the end: "y"/);
});

t.test("a player leaves by closing, by reset, or by half-closing", async (t) => {
  for (const [how, seen] of [
    ["half-close", "end"],
    ["close", "end"],
    ["reset", "ECONNRESET"],
  ] as const) {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { play } = await stage(t, (socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
      socket.on("end", () => {
        socket.end("bye");
        resolve("end");
      });
    });
    const steps: Step[] = [
      { do: "connect", as: "a" },
      { do: how, on: "a" },
    ];
    // Only who half-closed still hears what is said.
    const last: Step[] = how === "half-close" ? [{ do: "ended", on: "a" }] : [];
    t.match((await play([...steps, ...last])).failure, how === "half-close" ? /instead of the end: "bye"/ : /^$/, how);
    t.equal(await promise, seen, how);
  }
});

t.test("barriers are opened, facts at the origin awaited, the origin turned off and on", async (t) => {
  const hold = [{ at: "head" as const, barrier: "b" }];
  const made = await stage(t, echo, { "/a.ts": textResource("body", [{ kind: "serve", hold }]) });
  const asked = tell(made.origin.originUrl, "GET /a.ts HTTP/1.1\r\nConnection: close\r\n\r\n");
  const { failure } = await made.play([
    { do: "until", held: "b" },
    { do: "until", requests: 1, path: "/a.ts" },
    { do: "open", barrier: "b" },
    { do: "until", closed: "/a.ts" },
    { do: "origin", state: "off" },
    { do: "origin", state: "on" },
    { do: "elapse", ms: 5, why: "so that the step is played" },
  ]);
  t.equal(failure, "");
  t.match((await asked).text, /body$/);
});

t.test("the target is emptied, restarted and killed when the case says so", async (t) => {
  const { play, calls } = await stage(t, echo);
  await play([{ do: "clear" }, { do: "restart" }, { do: "restart", kill: true }]);
  t.same(calls, ["clear", "restart", "kill"]);
});

t.test("a case that names what is not there says which step", async (t) => {
  const { play } = await stage(t, echo);
  t.match((await play([{ do: "read", request: "x", until: "end" }])).failure, /^step 1 .*no request is named x/);
  t.match((await play([{ do: "close", on: "x" }])).failure, /^step 1 .*no connection is named x/);
  const get: Step = { do: "get", request: "1", path: "/one" };
  t.match((await play([get, get])).failure, /^step 2 .*two requests are named 1/);
});

t.test("a slow player leaves bytes in the target until it reads them", async (t) => {
  const big = "x".repeat(8_000_000);
  let flushed = false;
  const { play } = await stage(t, (socket) =>
    socket.once("data", () => {
      socket.write(answer(big), () => {
        flushed = true;
      });
    }),
  );
  const steps: Step[] = [
    { do: "connect", as: "a" },
    { do: "send", on: "a", request: "1", path: "/one" },
    { do: "read", request: "1", until: 10 },
    { do: "elapse", ms: 50, why: "a target that could write on would have by now" },
  ];
  t.match((await play(steps)).responses, [{ bytes: 10, end: "open" }]);
  t.notOk(flushed);
  const whole = await play([...steps.slice(0, 3), { do: "read", request: "1", until: "end" }]);
  t.match(whole.responses, [{ bytes: big.length, end: "complete" }]);
});
