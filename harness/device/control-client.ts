/**
 * The harness's side of the control protocol, with which it drives the app on a phone: one JSON object a line, an answer
 * for each command, in order. The proxy that a connection started lives as long as the connection.
 * ios-bridge/Sources/ReelcacheControl is the other side and says what there is.
 */
import type { Socket } from "node:net";
import { CannotError } from "../sut/target.ts";
import { DeviceError } from "./device-problems.ts";
import { ReadingError, readLine } from "./socket-reading.ts";

/** The version of the protocol; the app says its own. */
export const controlProtocol = 1;

/** What the app says of itself and of the phone. `addresses` are those in the network. */
export type Hello = { protocol: number; version: string; system: string; device: string; addresses: string[] };

/** How an attempt of the phone to reach this machine ended; `heard` is what came. */
export type Reached = {
  host: string;
  outcome: "reached" | "refused" | "timeout" | "denied" | "unreachable" | "failed";
  heard: string;
  detail: string;
};

export type Command =
  | { do: "hello"; code: string }
  | { do: "start"; options: Record<string, unknown> }
  | { do: "restart"; kill: boolean }
  | { do: "clear" }
  | { do: "stop" }
  | { do: "reach"; to: { host: string; port: number }[] }
  | { do: "dial"; port: number }
  | { do: "log" };

type Answer = {
  hello?: Hello;
  listening?: string;
  reached?: Reached[];
  lines?: string[];
  failed?: { code: string; message: string };
};

export type ControlClient = {
  /** The answer to a command. Rejects with a `DeviceError` when the app is gone, a `CannotError` when it refuses. */
  ask: (command: Command) => Promise<Answer>;
  /** The socket, once a `dial` was answered: from then on it is the connection that was dialled. */
  socket: Socket;
  /** Ends the connection, and with it the proxy that it started. */
  close: () => void;
};

/** Longest that the app may take for an answer, in milliseconds: a proxy may have to write its index before it stops. */
const patienceMs = 25_000;
/** Longest for the first one. */
const greetingMs = 5_000;

/** Greets the app at the other end of a socket. Rejects with a `DeviceError` when it is not the right one. */
export async function greet(
  socket: Socket,
  code: string,
  version: string,
): Promise<{ client: ControlClient; hello: Hello }> {
  const client = clientOn(socket);
  try {
    const { hello } = await client.ask({ do: "hello", code });
    if (hello === undefined || typeof hello.protocol !== "number") throw notTheApp("its greeting is another one");
    if (hello.protocol !== controlProtocol || hello.version !== version) {
      const theirs = `version ${hello.version} (protocol ${hello.protocol})`;
      const ours = `${version} (protocol ${controlProtocol})`;
      throw new DeviceError("wrong-version", `the app on the phone is ${theirs}, this harness is ${ours}`);
    }
    return { client, hello };
  } catch (error) {
    client.close();
    throw error;
  }
}

function clientOn(socket: Socket): ControlClient {
  socket.on("error", () => undefined);
  // Answers come in order: a command waits for the one before.
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (command: Command): Promise<Answer> => {
    socket.write(`${JSON.stringify(command)}\n`);
    const answer = await answerOn(socket, command.do === "hello" ? greetingMs : patienceMs, command.do);
    if (answer.failed !== undefined) throw failure(answer.failed);
    return answer;
  };
  return {
    ask: (command) => {
      const asked = last.then(() => ask(command));
      last = Promise.allSettled([asked]);
      return asked;
    },
    socket,
    close: () => void socket.destroy(),
  };
}

async function answerOn(socket: Socket, waitMs: number, command: string): Promise<Answer> {
  const line = await readLine(socket, waitMs).catch((error: unknown) => {
    if (!(error instanceof ReadingError)) throw error;
    if (error.why === "silent") throw new DeviceError("silent-app", `the app does not answer "${command}"`);
    throw command === "hello"
      ? notTheApp("it hangs up")
      : new DeviceError("silent-app", `the app hung up when it was told "${command}"`);
  });
  try {
    const answer: unknown = JSON.parse(line);
    if (typeof answer === "object" && answer !== null) return answer;
  } catch {
    throw notTheApp(`it says ${JSON.stringify(line.slice(0, 60))}`);
  }
  throw notTheApp(`it says ${line.slice(0, 60)}`);
}

function notTheApp(how: string): DeviceError {
  return new DeviceError("not-the-app", `what listens on the phone's port is not Reelcache Host: ${how}`);
}

function failure({ code, message }: { code: string; message: string }): Error {
  if (code === "code") return new DeviceError("wrong-code", message);
  // Options and steps that the app refuses are the case's affair, as with any target.
  return new CannotError(code === "option" ? `refuses: ${message}` : message);
}
