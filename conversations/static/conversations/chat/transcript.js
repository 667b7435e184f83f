/**
 * Frames in, what there is to see out. Pure: no DOM, no clock, no storage. Every function returns a new transcript and
 * keeps the identity of items that did not change, so that a view can compare with `===`.
 *
 * An item is one thing in the log, `{key, kind, …}`; kinds: customer, agent, routing, tool, card, retry, note.
 * `unsent` holds the customer's messages that the server has not accepted; they are shown after the items.
 */

export function startTranscript(threadId) {
  return {
    threadId,
    lastSeq: 0,
    items: [],
    unsent: [],
    owed: 0, // accepted messages whose run has not ended
    isWorking: false,
    isStopping: false,
    isJoining: false, // came in the middle: the first piece heard of an answer need not be its beginning
    status: "open",
    handoff: null, // {status, name, at}
    rating: null, // what the customer gave last: {rating, comment}
  };
}

/** Whether events before this one are missing. The frame is then left out and the events asked for again. */
export function hasGap(transcript, frame) {
  return belongs(transcript, frame) && Number.isInteger(frame.seq) && frame.seq > transcript.lastSeq + 1;
}

export function receive(transcript, frame) {
  if (!belongs(transcript, frame)) return transcript;
  const isNumbered = Number.isInteger(frame.seq);
  if (isNumbered && frame.seq <= transcript.lastSeq) {
    // A message sent twice is answered twice; the second answer still ends "sending…".
    return frame.type === "message_accepted" ? settle(transcript, frame) : transcript;
  }
  const handler = Object.hasOwn(handlers, frame.type) ? handlers[frame.type] : null;
  const next = handler ? handler(transcript, frame) : transcript;
  return isNumbered ? { ...next, lastSeq: frame.seq } : next;
}

export function addUnsent(transcript, { id, content, delivery = "sending" }) {
  const item = { key: `c:${id}`, kind: "customer", id, content, delivery, note: "", at: null };
  return { ...transcript, unsent: [...transcript.unsent, item] };
}

/** @param {"waiting"|"sending"|"queued"|"held"|"failed"} delivery */
export function markUnsent(transcript, id, delivery, note = "") {
  const unsent = transcript.unsent.map((item) =>
    item.id === id && (item.delivery !== delivery || item.note !== note)
      ? { ...item, delivery, note }
      : item,
  );
  return { ...transcript, unsent };
}

export function dropUnsent(transcript, id) {
  return { ...transcript, unsent: transcript.unsent.filter((item) => item.id !== id) };
}

/** @param {boolean|null} approved null: the answer did not arrive, the buttons work again */
export function answerCard(transcript, interruptId, approved, error = "") {
  return changeCard(transcript, interruptId, { answer: approved, error });
}

export function requestStop(transcript) {
  return { ...transcript, isStopping: true };
}

/** After a lost connection pieces of a half-heard answer are missing: keep what there is and wait for the whole. */
export function loseConnection(transcript) {
  const items = transcript.items.map((item) =>
    item.kind === "agent" && !item.isFinal && !item.isBroken ? { ...item, isBroken: true } : item,
  );
  return { ...transcript, items, isStopping: false };
}

/** The past is about to be told; pieces of what is being said now come between. */
export function join(transcript) {
  return { ...transcript, isJoining: true };
}

/** The past has been told, and something new has happened: whatever begins now is heard from its beginning. */
export function endJoining(transcript) {
  return transcript.isJoining ? { ...transcript, isJoining: false } : transcript;
}

/** Whether a card's buttons do anything at this moment (milliseconds of the server's clock). */
export function isAnswerable(transcript, interruptId, now) {
  const card = transcript.items[findCard(transcript, interruptId)];
  if (!card || card.outcome || card.answer !== null || card.approver !== "customer") return false;
  return !(Date.parse(card.expiresAt) <= now);
}

export function pendingCards(transcript) {
  return transcript.items.filter((item) => item.kind === "card" && !item.outcome);
}

/** What the customer asked for before an item: what "ask again" would say. */
export function findRequest(transcript, key) {
  const at = transcript.items.findIndex((item) => item.key === key);
  const before = at < 0 ? transcript.items : transcript.items.slice(0, at);
  return before.findLast((item) => item.kind === "customer")?.content ?? "";
}

/** Whether the customer waits with nothing moving in the log: the moment for a typing sign. */
export function isSilent(transcript) {
  if (!transcript.isWorking || pendingCards(transcript).length) return false;
  const last = transcript.items.findLast((item) => item.kind === "agent" || item.kind === "tool");
  if (last?.kind === "tool") return last.status !== "running";
  return !last || last.isFinal || last.isBroken;
}

const handlers = {
  message_accepted(transcript, frame) {
    const settled = settle(transcript, frame);
    if (settled.items.some((item) => item.kind === "customer" && item.id === frame.message_id)) return settled;
    const item = {
      key: `c:${frame.client_message_id ?? frame.message_id}`,
      kind: "customer",
      id: frame.message_id,
      content: String(frame.content ?? ""),
      delivery: "accepted",
      note: "",
      at: frame.created_at ?? null,
    };
    const next = append(settled, item);
    if (isWithPeople(next)) return next;
    return { ...next, owed: next.owed + 1, isWorking: true };
  },

  routing(transcript, frame) {
    const agents = Array.isArray(frame.agents) ? frame.agents.map(String) : [];
    const before = transcript.items.findLast((item) => item.kind === "routing");
    const next = { ...transcript, isWorking: true };
    // The same single agent again is no news.
    if (!agents.length || (agents.length === 1 && before?.agents.at(-1) === agents[0])) return next;
    return append(next, { key: key(transcript, frame, "routing"), kind: "routing", agents });
  },

  token(transcript, frame) {
    if (isWithPeople(transcript)) return transcript; // a piece that was on its way when a person took over
    const piece = String(frame.content ?? "");
    const at = transcript.items.findLastIndex((item) => item.kind === "agent" && item.id === frame.message_id);
    if (at < 0) {
      if (!piece || !frame.message_id) return transcript;
      const item = agentItem(frame, { content: piece, isFinal: false, isCut: transcript.isJoining });
      return append({ ...transcript, isWorking: true }, item);
    }
    const item = transcript.items[at];
    if (item.isFinal || item.isBroken) return transcript;
    return replaceAt(transcript, at, { ...item, content: item.content + piece });
  },

  tool_call(transcript, frame) {
    if (transcript.items.some((item) => item.kind === "tool" && item.id === frame.tool_call_id)) return transcript;
    const item = {
      key: `t:${frame.tool_call_id}`,
      kind: "tool",
      id: frame.tool_call_id,
      agent: frame.agent ?? "",
      tool: String(frame.tool ?? ""),
      args: isObject(frame.args) ? frame.args : {},
      status: "running",
    };
    return append({ ...transcript, isWorking: true }, item);
  },

  tool_result(transcript, frame) {
    const at = transcript.items.findLastIndex((item) => item.kind === "tool" && item.id === frame.tool_call_id);
    if (at < 0) return transcript;
    return replaceAt(transcript, at, { ...transcript.items[at], status: String(frame.status ?? "unknown") });
  },

  interrupt(transcript, frame) {
    if (findCard(transcript, frame.interrupt_id) >= 0) return transcript;
    const card = {
      key: `i:${frame.interrupt_id}`,
      kind: "card",
      id: frame.interrupt_id,
      action: String(frame.action ?? ""),
      toolCallId: frame.tool_call_id ?? null,
      params: isObject(frame.params) ? frame.params : {},
      message: String(frame.message ?? ""),
      approver: frame.approver ?? "customer",
      expiresAt: frame.expires_at ?? null,
      answer: null,
      error: "",
      outcome: null,
      by: null,
    };
    const next = { ...append(transcript, card), isWorking: false, isStopping: false };
    return changeTool(next, card, "running", "waiting");
  },

  interrupt_resolved(transcript, frame) {
    const at = findCard(transcript, frame.interrupt_id);
    if (at < 0) return transcript;
    const card = transcript.items[at];
    if (card.outcome) return transcript;
    let next = changeCard(transcript, card.id, {
      outcome: String(frame.outcome ?? "expired"),
      by: frame.by ?? "system",
      error: "",
    });
    if (frame.outcome === "approved") next = changeTool(next, card, "waiting", "running");
    // "yes" in a message is an answer, not a question: it has no run of its own.
    const isWord =
      frame.by === "customer" &&
      frame.outcome !== "superseded" &&
      card.answer === null &&
      transcript.items.slice(at).some((item) => item.kind === "customer");
    const owed = isWord ? Math.max(1, next.owed - 1) : next.owed;
    return { ...next, owed, isWorking: pendingCards(next).length === 0 };
  },

  interrupt_expired(transcript, frame) {
    const id = `r:${frame.interrupt_id}`;
    let next = transcript;
    const at = findCard(transcript, frame.interrupt_id);
    if (at >= 0 && !transcript.items[at].outcome) {
      next = changeCard(next, frame.interrupt_id, { outcome: "expired", by: "system", error: "" });
    }
    if (next.items.some((item) => item.key === id)) return next;
    return append(next, {
      key: id,
      kind: "retry",
      action: String(frame.action ?? ""),
      params: isObject(frame.params) ? frame.params : {},
      message: String(frame.message ?? ""),
      cardKey: `i:${frame.interrupt_id}`,
    });
  },

  clarification(transcript, frame) {
    return finish(transcript, agentItem(frame, { content: String(frame.message ?? ""), role: "system" }));
  },

  message(transcript, frame) {
    // "yes" while several things wait, or for a colleague's decision, is answered at once and has no run.
    const isRemark =
      frame.role === "system" && pendingCards(transcript).length > 0 && transcript.items.at(-1)?.kind === "customer";
    return finish(
      isRemark ? { ...transcript, owed: Math.max(1, transcript.owed - 1), isWorking: false } : transcript,
      agentItem(frame, { content: String(frame.content ?? ""), html: typeof frame.html === "string" ? frame.html : null }),
    );
  },

  message_complete(transcript, frame) {
    // What a takeover broke off in the middle is not part of the conversation.
    const kept = frame.status === "handed_off" ? dropUnfinished(transcript.items) : transcript.items;
    const items = kept.map((item) => {
      if (item.kind === "agent" && !item.isFinal) return { ...item, isFinal: true };
      if (item.kind === "tool" && item.status === "running") return { ...item, status: "unknown" };
      return item;
    });
    const owed = Math.max(0, transcript.owed - 1);
    const next = { ...transcript, items, owed, isStopping: false, isWorking: owed > 0 && !isWithPeople(transcript) };
    if (frame.status !== "failed" && frame.status !== "stopped") return next;
    return append(next, { key: key(transcript, frame, "run"), kind: "note", about: frame.status });
  },

  handoff(transcript, frame) {
    const handoff = {
      status: String(frame.status ?? "requested"),
      name: String(frame.agent_name ?? ""),
      at: frame.created_at ?? null,
    };
    const next = append(transcript, {
      key: key(transcript, frame, "handoff"),
      kind: "note",
      about: `handoff_${handoff.status}`,
      name: handoff.name,
    });
    if (handoff.status === "assigned") return { ...next, handoff, owed: 0, isWorking: false };
    return { ...next, handoff: handoff.status === "released" ? null : handoff };
  },

  status(transcript, frame) {
    return { ...transcript, status: String(frame.status ?? "open") };
  },

  feedback(transcript, frame) {
    return { ...transcript, rating: { rating: Number(frame.rating), comment: String(frame.comment ?? "") } };
  },
};

function belongs(transcript, frame) {
  return frame.thread_id === undefined || frame.thread_id === transcript.threadId;
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isWithPeople(transcript) {
  return transcript.status === "handed_off" || transcript.handoff?.status === "assigned";
}

function dropUnfinished(items) {
  return items.filter((item) => item.kind !== "agent" || item.isFinal);
}

function key(transcript, frame, prefix) {
  return `${prefix}:${frame.seq ?? `${transcript.lastSeq}.${transcript.items.length}`}`;
}

function settle(transcript, frame) {
  const unsent = transcript.unsent.filter((item) => item.id !== frame.client_message_id);
  return unsent.length === transcript.unsent.length ? transcript : { ...transcript, unsent };
}

function append(transcript, item) {
  return { ...transcript, items: [...transcript.items, item] };
}

function replaceAt(transcript, at, item) {
  return { ...transcript, items: transcript.items.with(at, item) };
}

function agentItem(frame, { content, html = null, role, isFinal = true, isCut = false }) {
  const id = frame.message_id ?? `seq-${frame.seq}`;
  return {
    key: `m:${id}`,
    kind: "agent",
    id,
    role: role ?? frame.role ?? "agent",
    agent: frame.agent ?? "",
    author: frame.author ?? "",
    content,
    html,
    isFinal,
    isBroken: false,
    isCut,
  };
}

function finish(transcript, item) {
  const at = transcript.items.findLastIndex((one) => one.key === item.key);
  return at < 0 ? append(transcript, item) : replaceAt(transcript, at, item);
}

function findCard(transcript, interruptId) {
  return transcript.items.findLastIndex((item) => item.kind === "card" && item.id === interruptId);
}

function changeCard(transcript, interruptId, change) {
  const at = findCard(transcript, interruptId);
  return at < 0 ? transcript : replaceAt(transcript, at, { ...transcript.items[at], ...change });
}

// The protocol lets an interrupt leave its tool call unnamed; then the newest call of that tool is taken for it.
function changeTool(transcript, card, from, to) {
  const isIt = card.toolCallId === null ? (item) => item.tool === card.action : (item) => item.id === card.toolCallId;
  const at = transcript.items.findLastIndex((item) => item.kind === "tool" && item.status === from && isIt(item));
  return at < 0 ? transcript : replaceAt(transcript, at, { ...transcript.items[at], status: to });
}
