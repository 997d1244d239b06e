/** A process that runs with Node's inspector, asked over its WebSocket. */
import { StartFailure } from "../bench/processes.ts";

export type Inspector = {
  /** Resolves with the result; rejects when the process says no or is gone. */
  ask: <Result>(method: string, params?: object) => Promise<Result>;
  close: () => void;
};

type Answer = { id?: number; result?: unknown; error?: { message: string } };
type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };

/** Rejects with a `StartFailure` when no process is inspected at that port. */
export async function connectInspector(port: number): Promise<Inspector> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [first] = (await response.json()) as { webSocketDebuggerUrl?: string }[];
  if (first?.webSocketDebuggerUrl === undefined) throw new StartFailure("nothing to inspect");
  const socket = new WebSocket(first.webSocketDebuggerUrl);
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new StartFailure("the inspector does not answer")), { once: true });
  });
  socket.addEventListener("message", ({ data }) => {
    const { id = 0, result, error } = JSON.parse(String(data)) as Answer;
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(error.message));
  });
  socket.addEventListener("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the inspected process is gone"));
    waiting.clear();
  });
  return {
    ask: <Result>(method: string, params: object = {}) =>
      new Promise<Result>((resolve, reject) => {
        asked += 1;
        waiting.set(asked, { resolve: resolve as (result: unknown) => void, reject });
        socket.send(JSON.stringify({ id: asked, method, params }));
      }),
    close: () => socket.close(),
  };
}
