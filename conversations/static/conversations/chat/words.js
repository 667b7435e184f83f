/** Every word that the chat itself says, so that a translation has one place. */

export const words = {
  you: "You",
  connection: {
    connecting: "Connecting…",
    online: "Online",
    reconnecting: "Reconnecting…",
    offline: "You are offline",
  },
  delivery: {
    waiting: "Waiting for the connection…",
    sending: "Sending…",
    queued: "Waits for its turn…",
    held: "Not sent.",
    failed: "Not sent.",
  },
  retryIn: (seconds) => `Will be sent in ${seconds} s…`,
  sendAgain: "Send again",
  edit: "Edit",
  typing: "The assistant is working on an answer",
  passedTo: (labels) =>
    labels.length === 1 ? `Passed to ${labels[0]}` : `First ${labels.join(", then ")}`,
  working: (tool) => humanise(tool),
  tool: {
    running: "in progress",
    waiting: "waits for approval",
    ok: "done",
    error: "did not work",
    rejected: "declined, not done",
    expired: "not approved in time, not done",
    superseded: "left undone",
    unknown: "outcome not known yet",
  },
  card: {
    title: "Your approval is needed",
    settledTitle: "Approval",
    staffTitle: "A colleague has to approve this",
    staffBody: "You need not do anything. You will see the decision here.",
    approve: "Approve",
    decline: "Decline",
    hint: "Nothing happens before you approve. Writing about something else leaves this undone.",
    staffHint: "Writing about something else withdraws this request.",
    details: "What exactly",
    timeLeft: (clock) => `Time left ${clock}`,
    timeUp: "The time is up. Checking…",
    sendingYes: "Sending your approval…",
    sendingNo: "Sending your answer…",
    announce: (message) =>
      `Your approval is needed. ${message} The buttons Approve and Decline are in the conversation.`,
    announceStaff: (message) => `A colleague has to approve this. ${message}`,
  },
  outcome: {
    approved: { customer: "Approved by you", staff: "Approved by a colleague", system: "Approved" },
    rejected: { customer: "Declined by you", staff: "Declined by a colleague", system: "Declined" },
    expired: { customer: "Expired", staff: "Expired", system: "Expired, nothing was changed" },
    superseded: {
      customer: "Withdrawn, nothing was changed",
      staff: "Withdrawn, nothing was changed",
      system: "Withdrawn, nothing was changed",
    },
  },
  retry: { title: "The time to approve ran out", askAgain: "Ask again" },
  run: {
    failed: "This was not finished.",
    stopped: "You stopped the answer.",
    tryAgain: "Try again",
  },
  handoff: {
    requested: "A person has been asked for.",
    assigned: (name) => `${name || "A person"} has joined the conversation.`,
    released: "The assistant answers again.",
  },
  withPerson: (name) => (name ? `You are talking with ${name}.` : "You are talking with a person."),
  waitsForPerson: "A person from our team will answer here.",
  waited: (minutes) => (minutes < 1 ? "Waiting for less than a minute" : `Waiting for ${duration(minutes)}`),
  personTyping: (name) => `${name || "A person"} is writing`,
  rating: {
    question: "How satisfied were you?",
    names: { 1: "not at all", 5: "very" },
    of5: "of 5",
    comment: "Anything that you would like to add? (optional)",
    send: "Send rating",
    missing: "Please choose a number from 1 to 5.",
    thanks: (rating) => `Thank you. You gave ${rating} of 5.`,
    unreachable: "The rating could not be sent. Please try again in a moment.",
  },
  status: {
    closed: "This conversation has been closed.",
    expired: "This conversation has ended after a long pause.",
  },
  startNew: "Start a new conversation",
  startNewKeeps: "Start a new conversation with my message",
  previous: "Back to the previous conversation",
  dismiss: "Dismiss",
  unavailable: "Your earlier conversation can no longer be opened here, so this is a new one.",
  unreachable: "The chat cannot be reached. What you write is kept and sent later.",
  tryNow: "Try now",
  charactersLeft: (n) => `${n.toLocaleString("en")} characters left`,
  charactersOver: (n) => `${n.toLocaleString("en")} characters too many`,
  tooLong: "This message is too long to send. Please shorten it or split it in two.",
  newMessage: "New message",
  expandParams: "Details",
  yes: "yes",
  no: "no",
  none: "none",
};

function duration(minutes) {
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The server's error codes as sentences for a customer. */
export function describeError(frame) {
  const wait = Number.isFinite(frame.retry_after) ? Math.ceil(frame.retry_after) : 0;
  const known = {
    message_too_large: words.tooLong,
    content_too_long: words.tooLong,
    missing_content: "There was nothing to send in that message.",
    invalid_content: "That message has characters that cannot be sent. Please change it.",
    session_expired: "This conversation has ended after a long pause.",
    no_pending_interrupt: "This has already been decided, or is no longer waiting.",
    not_allowed: "You cannot approve this yourself. A colleague has to.",
    forbidden: "This conversation is not available here.",
    invalid_token: "Your session could not be confirmed, so a new one was started.",
    rate_limited: wait
      ? `That was a lot at once. It goes on in ${wait} s.`
      : "That was a lot at once. It goes on in a moment.",
    budget_exhausted: "This conversation has reached its limit. A person will read it and go on.",
    busy: "There are still answers to come. Your message is sent as soon as there is room.",
    internal_error: "Something went wrong on our side. Please try again in a moment.",
  };
  if (Object.hasOwn(known, frame.code)) return known[frame.code];
  return "Something did not work. If it happens again, please reload the page.";
}

/** "order_id" → "Order id". */
export function humanise(name) {
  const text = String(name).replaceAll(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A parameter's value as a person reads it. */
export function humaniseValue(value) {
  if (value === null || value === undefined || value === "") return words.none;
  if (value === true) return words.yes;
  if (value === false) return words.no;
  if (Array.isArray(value)) return value.map(humaniseValue).join(", ") || words.none;
  if (typeof value === "object") {
    const parts = Object.entries(value).map(([key, v]) => `${humanise(key)}: ${humaniseValue(v)}`);
    return parts.join("; ") || words.none;
  }
  return String(value);
}
