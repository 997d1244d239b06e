/** Carries out commands of control and answers them. */
import type { ErrorCode } from "../base/errors.ts";
import { errorRow } from "../base/errors.ts";
import { newNote } from "../response/cache-status.ts";
import { problemBody } from "../response/problem-body.ts";
import type { ResponseHead } from "../response/response-head.ts";
import { responseHead } from "../response/response-head.ts";
import type { ControlCommand } from "./control-command.ts";
import { countJson, entriesJson, preloadJson, preloadsJson, presentationJson } from "./control-json.ts";
import { setFeedWindow } from "./feed-window.ts";
import { cancelPreload, startPreload } from "./preload-run.ts";
import { findPreload } from "./preload-table.ts";
import type { TextShelf } from "./presentation.ts";
import { entriesPage, pinPresentation, presentationStatus, removePresentation } from "./presentation.ts";
import { plainParts } from "./problem.ts";
import type { PlayerRequest, ProxyState } from "./proxy-state.ts";

/** Status, media type and content of an answer. */
export type ControlAnswer = { status: number; type: string; content: string };

/** Carries out a command; null when texts of playlists are needed first: nothing was done then. */
export function controlAnswer(
  state: ProxyState,
  command: ControlCommand,
  shelf: TextShelf,
  nowMs: number,
): ControlAnswer | null {
  shelf.needed = [];
  const answer = carryOut(state, command, shelf, nowMs);
  return shelf.needed.length > 0 ? null : answer;
}

/** The head of an answer. No page may read it, whatever the option for CORS says of media. */
export function controlHead(
  state: ProxyState,
  request: PlayerRequest,
  answer: ControlAnswer,
  nowMs: number,
): ResponseHead {
  const parts = plainParts(state, answer.status, request.httpMinor, state.options.keepAlive && !request.close, nowMs);
  parts.contentType = answer.type;
  parts.contentLength = answer.content.length;
  parts.note = newNote("local");
  parts.stored = ["Cache-Control", "no-store"];
  // R-CTRL-4
  parts.cors = "none";
  if (answer.status === 503) parts.retryAfterSeconds = 1;
  return responseHead(parts);
}

/** An answer that says what was wrong. */
export function controlProblem(code: ErrorCode, detail: string): ControlAnswer {
  const content = problemBody(code, detail, null);
  return { status: errorRow(code).status, type: "application/problem+json", content };
}

function carryOut(state: ProxyState, command: ControlCommand, shelf: TextShelf, nowMs: number): ControlAnswer {
  switch (command.kind) {
    case "entries": {
      const page = entriesPage(state, command.after, command.max);
      const last = page[page.length - 1];
      return json(entriesJson(page, last === undefined || page.length < command.max ? 0 : last.entry.id));
    }
    case "status":
      return json(presentationJson(presentationStatus(state, command.url, shelf)));
    case "preloads": {
      const { active, ended } = state.preloads;
      // By id: which of two ends first is the disk's to say.
      return json(preloadsJson(active.concat(ended.slice().sort((a, b) => a.id - b.id))));
    }
    case "preload": {
      const preload = startPreload(state, command.order, nowMs);
      return preload === null ? controlProblem("too-busy", "preloadsMax are at work") : json(preloadJson(preload));
    }
    case "cancel": {
      const preload = findPreload(state.preloads, command.id);
      if (preload === null) return controlProblem("not-found", "there is no such preload");
      cancelPreload(state, command.id, nowMs);
      return json(preloadJson(preload));
    }
    case "window":
      return json(preloadsJson(setFeedWindow(state, command.urls, command.index, command.shape, nowMs)));
    case "pin":
      return json(countJson("changed", pinPresentation(state, command.url, command.pinned, shelf)));
    case "remove":
      return json(countJson("removed", removePresentation(state, command.url, shelf)));
    case "refused":
      return controlProblem(command.code, command.detail);
  }
}

function json(content: string): ControlAnswer {
  return { status: 200, type: "application/json", content: `${content}\n` };
}
