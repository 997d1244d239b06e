/** What the listener makes of bytes that no player should send (R-HTTP), case by case on raw sockets. */
import { connect } from "node:net";
import t from "tap";
import {
  type OddEvent,
  oddBytes,
  oddEvent,
  oddRequests,
  sealOddRequests,
} from "../../harness/requests/odd-requests.ts";
import { defaultLimits } from "../core/base/limits.ts";
import { listen } from "../edge/listener.ts";
import { writeHead } from "../edge/response-writer.ts";

const head = (status: number, connection: string) => ({
  status,
  reason: "Told",
  fields: ["Content-Length", "0", "Connection", connection],
});

t.test("odd requests are read as the file says, which the Swift twin reads too", async (t) => {
  let events: OddEvent[] = [];
  let host = "";
  const listener = await listen("127.0.0.1", 0, {
    limits: defaultLimits,
    takesContent: false,
    onRequest: (request, response) => {
      events.push(oddEvent(request.method, request.target, request.httpMinor, request.close, request.fields, host));
      // Kept open whatever the player asks for, so that what the parser makes of the bytes behind it shows.
      writeHead(response, head(200, "keep-alive"));
      response.end();
      return false;
    },
    problem: (code) => {
      events.push(code);
      return { head: head(400, "close"), content: "" };
    },
  });
  t.teardown(() => listener.close());
  host = `127.0.0.1:${listener.port}`;
  const all = oddRequests();
  t.ok(all.length > 200, `${all.length} of them`);
  for (const one of all) {
    events = [];
    const reset = await sendAndEnd(listener.port, oddBytes(one, host));
    if (process.env.SEAL_ODD_REQUESTS === "1") one.events = events;
    else t.same(events, one.events, `${one.name}${reset ? " (reset)" : ""}`);
  }
  if (process.env.SEAL_ODD_REQUESTS === "1") sealOddRequests(all);
});

/** Sends bytes, ends its side, and waits for the other; true when that came as a reset. */
function sendAndEnd(port: number, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let reset = false;
    socket.on("error", () => {
      // Bytes behind a refusal are not waited for.
      reset = true;
    });
    socket.on("close", () => resolve(reset));
    socket.on("end", () => socket.destroy());
    socket.resume();
    socket.end(bytes);
  });
}
