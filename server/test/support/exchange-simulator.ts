/**
 * The edge without I/O: carries out the actions of the core as the engine and its runners do, in virtual time, and
 * writes one line for each. Origins, disks and players are the caller's: it says what comes and when.
 */
import type { Entry } from "../../core/cache/entry.ts";
import type { Body, Flight } from "../../core/download/flight.ts";
import { flightShouldPause } from "../../core/download/flight.ts";
import { controlAnswer } from "../../core/exchange/control-answer.ts";
import type { ControlCommand } from "../../core/exchange/control-command.ts";
import { gatherBegan, gatherDone, gatherTooLarge } from "../../core/exchange/exchange-playlist.ts";
import { nextStep, readerAdvanced, readFailed } from "../../core/exchange/exchange-read.ts";
import { unpause } from "../../core/exchange/flight-control.ts";
import { bodyWriteFailed, flightData, flightSettle, flightTrim } from "../../core/exchange/flight-data.ts";
import { flightDone, flightWritten, pumpReaders } from "../../core/exchange/flight-end.ts";
import type { OriginAnswer } from "../../core/exchange/flight-head.ts";
import { flightHead, flightResigned } from "../../core/exchange/flight-head.ts";
import type { TextShelf } from "../../core/exchange/presentation.ts";
import { exchangeEnded, exchangeLost, loadEntries } from "../../core/exchange/proxy-events.ts";
import type { Action, CoreOptions, Exchange, PlayerRequest, ProxyState } from "../../core/exchange/proxy-state.ts";
import { newProxyState } from "../../core/exchange/proxy-state.ts";
import {
  admitRequest,
  backgroundExchange,
  startExchange,
  validationExchange,
} from "../../core/exchange/request-admission.ts";
import { readerDiskEnd, tailFlight } from "../../core/reader/reader-step.ts";
import type { ResponseHead } from "../../core/response/response-head.ts";
import { noParameters } from "../../core/route/own-parameters.ts";
import { actionLine, headLine } from "./exchange-lines.ts";
import type { SimFlight } from "./flight-memory.ts";
import { chunkAt, heldText } from "./flight-memory.ts";
import { newSimPlayer, type SimPlayer } from "./sim-player.ts";

const sniffBytes = 12;

export class Simulator {
  readonly state: ProxyState;
  readonly players = new Map<string, SimPlayer>();
  readonly flights = new Map<number, SimFlight>();
  /** Data files by entry id. */
  readonly files = new Map<number, string>();
  private readonly removed = new Set<number>();
  /** What origins said of URLs that are being signed anew, by flight. */
  private readonly refused = new Map<number, OriginAnswer>();
  lines: string[] = [];
  nowMs = 0;
  /** Told of every request that goes to the origin. */
  onSend: (flight: Flight, fields: string[]) => void = () => undefined;
  private readonly names = new Map<number, SimPlayer>();
  private draining = false;

  constructor(options: CoreOptions, entries: Entry[], nextEntryId: number, evictAfterMs: number) {
    this.state = newProxyState(options, nextEntryId, evictAfterMs);
    loadEntries(this.state, entries);
  }

  /** Hands an event to the core and carries out what follows. */
  run(event: () => void): void {
    event();
    this.drain();
  }

  request(name: string, request: PlayerRequest, window: number): void {
    this.run(() => {
      const admission = admitRequest(this.state, request, this.nowMs);
      if (admission.kind === "local") {
        this.lines.push(`${name} local ${admission.path}${admission.query === "" ? "" : `?${admission.query}`}`);
      } else if (admission.kind === "answer") {
        this.lines.push(headLine(name, admission.head));
        if (admission.content !== "") this.lines.push(`${name} body ${admission.content}`);
      } else if (admission.kind === "control") {
        this.control(name, admission.command);
      } else {
        this.attach(name, admission.exchange, window, false);
        startExchange(this.state, admission.exchange, this.nowMs);
      }
    });
  }

  preload(name: string, url: string): void {
    this.run(() => {
      const exchange = backgroundExchange(this.state, { url, start: 0, end: -1 }, noParameters(), this.nowMs);
      this.attach(name, exchange, Number.MAX_SAFE_INTEGER, true);
      startExchange(this.state, exchange, this.nowMs);
    });
  }

  validate(name: string, url: string, fields: string[]): void {
    this.run(() => {
      const exchange = validationExchange(this.state, url, fields, this.nowMs);
      this.attach(name, exchange, 0, true);
      startExchange(this.state, exchange, this.nowMs);
    });
  }

  head(sim: SimFlight, answer: OriginAnswer): void {
    this.run(() => flightHead(this.state, sim.flight, answer, this.nowMs));
  }

  resign(sim: SimFlight, url: string | null): void {
    const answer = this.refused.get(sim.flight.id);
    if (answer === undefined) throw new Error(`f${sim.flight.id} asks for no other URL`);
    this.refused.delete(sim.flight.id);
    this.run(() => flightResigned(this.state, sim.flight, answer, url, this.nowMs));
  }

  data(sim: SimFlight, text: string): void {
    const { flight } = sim;
    const offset = flight.position;
    const accepted = flightData(flight, text.length);
    if (accepted > 0) sim.chunks.push({ offset, text: text.slice(0, accepted) });
    this.run(() => {
      pumpReaders(this.state, flight.body);
      this.drain();
      this.trim(sim);
      flightSettle(this.state, flight, this.nowMs);
    });
    this.beginWrite(flight);
  }

  done(sim: SimFlight, failure: Parameters<typeof flightDone>[2]): void {
    sim.open = false;
    this.run(() => flightDone(this.state, sim.flight, failure, this.nowMs));
    this.beginWrite(sim.flight);
  }

  written(sim: SimFlight, upTo: number): void {
    const { flight } = sim;
    const id = flight.body.entry.id;
    const text = heldText(sim, flight.written, upTo);
    const file = (this.files.get(id) ?? "").padEnd(flight.written, "\0");
    // What was being written when its file was removed goes with the file.
    if (!this.removed.has(id)) this.files.set(id, file.slice(0, flight.written) + text + file.slice(upTo));
    this.run(() => {
      flightWritten(this.state, flight, upTo, this.nowMs);
      this.trim(sim);
      flightSettle(this.state, flight, this.nowMs);
      this.resumeIfDue(flight);
    });
    this.beginWrite(flight);
  }

  writeFailed(body: Body): void {
    this.run(() => {
      bodyWriteFailed(this.state, body, this.nowMs);
      for (const flight of body.flights) this.resumeIfDue(flight);
    });
  }

  /** The read of the file that a player waits for comes to its end, or with `fails` to nothing. */
  read(player: SimPlayer, fails: boolean): void {
    const reading = player.reading;
    player.reading = null;
    const { exchange } = player;
    if (reading === null || exchange === null || player.end !== "") return;
    this.run(() => {
      if (fails) {
        readFailed(this.state, exchange, reading.id, this.nowMs);
        return;
      }
      if (this.take(player, reading.text, reading.from, "disk")) this.pump(player);
    });
  }

  openWindow(player: SimPlayer, bytes: number): void {
    player.window += bytes;
    this.run(() => this.pump(player));
  }

  leave(player: SimPlayer): void {
    const { exchange } = player;
    if (player.end !== "" || exchange === null) return;
    this.run(() => exchangeEnded(this.state, exchange, this.nowMs));
    player.end = "left";
  }

  /** Whether the player would take bytes now. */
  isWilling(player: SimPlayer): boolean {
    const exchange = player.exchange;
    if (exchange === null || player.end !== "" || player.reading !== null) return false;
    if (exchange.state === "gathering") return true;
    return exchange.state === "sending" && (player.background || player.window > 0);
  }

  /** Carries out a command; the texts that it needs are read at once. */
  private control(name: string, command: ControlCommand): void {
    const shelf: TextShelf = { texts: new Map(), needed: [] };
    let answer = controlAnswer(this.state, command, shelf, this.nowMs);
    while (answer === null) {
      for (const body of shelf.needed) shelf.texts.set(body.entry.id, this.files.get(body.entry.id) ?? "");
      answer = controlAnswer(this.state, command, shelf, this.nowMs);
    }
    this.lines.push(`${name} control ${answer.status} ${answer.content.trimEnd()}`);
  }

  private attach(name: string, exchange: Exchange, window: number, background: boolean): void {
    const player = newSimPlayer(name, exchange, window, background);
    this.players.set(name, player);
    this.names.set(exchange.id, player);
  }

  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    const { actions } = this.state;
    try {
      for (let at = 0; at < actions.length; at += 1) {
        const action = actions[at];
        if (action !== undefined) this.carryOut(action);
      }
    } finally {
      actions.length = 0;
      this.draining = false;
    }
  }

  private settled(exchange: Exchange, before: number): boolean {
    if (this.state.actions.length === before) return true;
    if (this.draining) {
      this.state.actions.push({ kind: "pump", exchange });
      return false;
    }
    this.drain();
    return true;
  }

  private carryOut(action: Action): void {
    if (action.kind === "pump") {
      const player = this.names.get(action.exchange.id);
      if (player !== undefined) this.pump(player);
      return;
    }
    if (action.kind === "head") {
      this.sendHead(action.exchange, action.head, action.content);
      return;
    }
    if (action.kind === "validated") {
      const player = this.names.get(action.exchange.id);
      if (player !== undefined) player.end = "whole";
      this.lines.push(`${player?.name} finds it ${action.found}`);
      return;
    }
    this.lines.push(actionLine(action));
    if (action.kind === "resign") {
      this.refused.set(action.flight.id, action.answer);
    } else if (action.kind === "begin") {
      this.attach(`X${action.exchange.id}`, action.exchange, Number.MAX_SAFE_INTEGER, true);
      startExchange(this.state, action.exchange, this.nowMs);
    } else if (action.kind === "send") {
      this.onSend(action.flight, action.fields);
      const known = this.flights.get(action.flight.id);
      if (known === undefined) this.flights.set(action.flight.id, { flight: action.flight, open: true, chunks: [] });
      else known.open = true;
    } else if (action.kind === "abort") {
      const sim = this.flights.get(action.flight.id);
      if (sim !== undefined) sim.open = false;
    } else if (action.kind === "remove") {
      this.files.delete(action.body.entry.id);
      this.removed.add(action.body.entry.id);
    }
  }

  private sendHead(exchange: Exchange, head: ResponseHead, content: string | null): void {
    const player = this.names.get(exchange.id);
    if (player === undefined || player.end !== "") return;
    if (player.head !== null) throw new Error(`${player.name} gets a second head`);
    player.head = head;
    this.lines.push(headLine(player.name, head));
    player.received = content ?? "";
    if (content !== null && content !== "") this.lines.push(`${player.name} body ${content}`);
    if (content === null && player.gathered !== "") {
      this.lines.push(`${player.name} takes 0-${player.gathered.length} gathered`);
      player.received = player.gathered;
      player.window -= player.gathered.length;
    }
    player.gathered = "";
    if (content !== null || exchange.method === "HEAD") player.end = "whole";
  }

  private pump(player: SimPlayer): void {
    if (player.reading !== null || player.pumping || player.end !== "") return;
    player.pumping = true;
    while (player.end === "" && player.reading === null && this.step(player)) player.waited = false;
    player.pumping = false;
  }

  private step(player: SimPlayer): boolean {
    const { exchange } = player;
    if (exchange === null || !this.isWilling(player)) return false;
    const { body, cursor } = exchange;
    if (body === null || cursor === null) return false;
    const before = this.state.actions.length;
    const step = nextStep(this.state, exchange, this.nowMs);
    if (!this.settled(exchange, before) || player.end !== "") return false;
    switch (step) {
      case "end":
        return this.end(player, exchange);
      case "tail": {
        const flight = tailFlight(body, cursor.offset);
        const sim = flight === null ? undefined : this.flights.get(flight.id);
        if (flight === null || sim === undefined) return true;
        const text = chunkAt(sim, cursor.offset, cursor.end);
        return this.take(player, text, cursor.offset, `f${flight.id}`);
      }
      case "disk":
        return this.beginRead(player, exchange, body.entry.id, cursor.offset, readerDiskEnd(body, cursor));
      case "wait":
      case "open":
        if (!player.waited) this.lines.push(`${player.name} waits`);
        player.waited = true;
        return false;
      case "cut":
        player.gathered = "";
        if (!exchangeLost(this.state, exchange, this.nowMs)) {
          this.lines.push(`${player.name} cut`);
          player.end = "cut";
        }
        this.drain();
        return player.end === "" && exchange.state === "gathering";
    }
  }

  private beginRead(player: SimPlayer, exchange: Exchange, id: number, offset: number, end: number): boolean {
    if (player.background && exchange.state === "sending") {
      readerAdvanced(this.state, exchange, end, this.nowMs);
      return true;
    }
    const to = Math.min(end, offset + this.state.options.limits.readPieceBytes);
    // A read under way comes to its end even when its file is removed meanwhile.
    const text = (this.files.get(id) ?? "").slice(offset, to);
    if (text.length !== to - offset) throw new Error(`the file of e${id} ends before ${to}`);
    player.reading = { id, from: offset, to, text };
    this.lines.push(`${player.name} reads ${offset}-${to} of e${id}`);
    return false;
  }

  private take(player: SimPlayer, text: string, offset: number, source: string): boolean {
    const exchange = player.exchange;
    if (exchange === null) return false;
    const upTo = offset + text.length;
    const before = this.state.actions.length;
    const gathers = exchange.state === "gathering";
    this.lines.push(`${player.name} ${gathers ? "gathers" : "takes"} ${offset}-${upTo} from ${source}`);
    if (gathers) {
      this.gather(player, exchange, text);
    } else {
      player.received += text;
      player.window -= text.length;
    }
    readerAdvanced(this.state, exchange, upTo, this.nowMs);
    return this.settled(exchange, before) && player.end === "";
  }

  private gather(player: SimPlayer, exchange: Exchange, text: string): void {
    player.gathered += text;
    if (!player.sniffed && player.gathered.length >= sniffBytes) {
      player.sniffed = true;
      gatherBegan(this.state, exchange, player.gathered.slice(0, sniffBytes), this.nowMs);
    }
    if (exchange.state === "gathering" && player.gathered.length > this.state.options.limits.playlistBytesMax) {
      gatherTooLarge(this.state, exchange, this.nowMs);
    }
  }

  private end(player: SimPlayer, exchange: Exchange): boolean {
    if (exchange.state === "gathering") {
      const bytes = player.gathered;
      player.gathered = "";
      gatherDone(this.state, exchange, bytes, this.nowMs);
      this.drain();
      if (player.end === "" && exchange.state === "gathering") return true;
      if (player.background) player.end = "whole";
      return false;
    }
    this.lines.push(`${player.name} ends`);
    exchangeEnded(this.state, exchange, this.nowMs);
    player.end = "whole";
    this.drain();
    return false;
  }

  private beginWrite(flight: Flight): void {
    if (!flight.body.storing || flight.written >= flight.position) return;
    if (this.removed.has(flight.body.entry.id)) throw new Error(`f${flight.id} writes a file that was removed`);
    flight.body.onDisk = true;
  }

  private resumeIfDue(flight: Flight): void {
    if (flight.paused && !flightShouldPause(flight, this.state.options.limits)) unpause(this.state, flight);
  }

  private trim(sim: SimFlight): void {
    const floor = flightTrim(this.state, sim.flight);
    while (sim.chunks[0] !== undefined && sim.chunks[0].offset + sim.chunks[0].text.length <= floor) sim.chunks.shift();
  }
}
