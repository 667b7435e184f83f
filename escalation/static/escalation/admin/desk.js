/**
 * A conversation's page kept up to date: when something is said, the timeline is fetched anew; when somebody writes, the
 * other side sees it. Without this script everything works, by reloading.
 */

const NEWS_MS = 250;
const TYPING_EVERY_MS = 4_000;
const TYPING_SHOWN_MS = 7_000;
const RECONNECT_MS = 3_000;

const sign = document.getElementById("customer-typing");
const reply = document.getElementById("reply-text");
const canned = document.getElementById("canned");

let socket = null;
let typedAt = 0;
let news = null;
let typing = null;
let isLeaving = false; // a form is on its way: reloading now would lose its answer

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}${sign.dataset.socket}`);
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    sign.dataset.listens = "yes"; // the first frame says that all that follows will come
    if (frame.type === "typing") showTyping();
    else scheduleNews();
  };
  socket.onclose = () => {
    delete sign.dataset.listens;
    setTimeout(connect, RECONNECT_MS);
  };
}

function scheduleNews() {
  news ??= setTimeout(async () => {
    news = null;
    if (isLeaving) return;
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (isLeaving) return;
    replace(page, "timeline");
    const state = page.querySelector("#people .es-state")?.textContent.trim();
    // Who has the conversation decides which forms there are: then the whole page is shown anew, but for a draft.
    if (state !== document.querySelector("#people .es-state")?.textContent.trim() && !reply?.value.trim()) location.reload();
  }, NEWS_MS);
}

function replace(page, id) {
  const fresh = page.getElementById(id);
  const shown = document.getElementById(id);
  if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) return;
  // A comment that is being written in the timeline, on an approval, must not be lost.
  if (shown.contains(document.activeElement) && document.activeElement.matches("input, textarea")) return;
  const count = (timeline) => timeline.querySelectorAll(".ss-entry").length;
  if (count(fresh) > count(shown)) clearTyping(); // what was being written has come
  shown.replaceChildren(...document.adoptNode(fresh).childNodes);
}

function showTyping() {
  sign.textContent = "The customer is writing …";
  clearTimeout(typing);
  typing = setTimeout(clearTyping, TYPING_SHOWN_MS);
}

function clearTyping() {
  clearTimeout(typing);
  sign.textContent = "";
}

function tellTyping() {
  const now = Date.now();
  if (!reply.value.trim() || now - typedAt < TYPING_EVERY_MS || socket?.readyState !== WebSocket.OPEN) return;
  typedAt = now;
  socket.send(JSON.stringify({ type: "typing" }));
}

if (sign) connect();
document.addEventListener("submit", () => (isLeaving = true));
addEventListener("pageshow", () => (isLeaving = false));
reply?.addEventListener("input", tellTyping);
reply?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) reply.form.requestSubmit();
});
canned?.addEventListener("change", () => {
  const text = canned.selectedOptions[0]?.dataset.text;
  if (!text) return;
  reply.value = reply.value.trim() ? `${reply.value.trimEnd()}\n${text}` : text;
  canned.value = "";
  reply.focus();
});
