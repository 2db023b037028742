"use strict";
// The console without this file still shows and decides nothing less: it adds live updates, keys, theme and passkeys.
const $ = (x, at = document) => at.querySelector(x), $$ = (x, at = document) => [...at.querySelectorAll(x)];
const store = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private window */ } } };
const csrf = document.body.dataset.csrf;

// theme: the address first, then what was chosen, else the system's
const theme = new URLSearchParams(location.search).get("theme") || store.get("theme");
if (theme) document.documentElement.dataset.theme = theme;
const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const flip = () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; store.set("theme", document.documentElement.dataset.theme); };
$$("[data-theme-button]").forEach(x => x.addEventListener("click", flip));
$$("[data-keys-button]").forEach(x => x.addEventListener("click", () => $("dialog[data-keys]").showModal()));

// map and its table
function show(what) {
  $$("[data-as]").forEach(x => { x.hidden = x.dataset.as !== what; });
  $$("[data-show]").forEach(x => x.setAttribute("aria-pressed", x.dataset.show === what));
}
document.addEventListener("click", event => {
  const at = event.target.closest("button");
  if (!at) return;
  if (at.dataset.show) show(at.dataset.show);
  if ("unfold" in at.dataset) unfold();
  if (at.dataset.open) $(`dialog[data-dialog=${at.dataset.open}]`).showModal();
  if ("close" in at.dataset) at.closest("dialog").close();
  if (at.dataset.because) { const why = $("#why"); why.value = `${at.dataset.because}: `; why.focus(); }
  if (at.dataset.decide) decide(at);
  if ("enrol" in at.dataset) enrol(at);
});
function unfold() { const all = $$(".talk details"), open = all.some(x => !x.open); all.forEach(x => { x.open = open; }); }
if (matchMedia("(max-width: 640px)").matches) $$("details.fold").forEach((x, i) => { x.open = "kept" in x.dataset || (i === 0 && x.matches(".panel")); });

// keys: they open, move and fold, and change nothing
let gone = 0;
document.addEventListener("keydown", event => {
  if (event.target.matches("input,textarea,select") || event.ctrlKey || event.metaKey || event.altKey || store.get("keys") === "off") return;
  if (Date.now() - gone < 1200) {
    const to = { w: "/", i: $$(".rail a")[1].getAttribute("href"), a: "/approvals", f: "/what-if", h: "/history" }[event.key];
    gone = 0;
    if (to) { location.href = to; return; }
  }
  if (event.key === "g") gone = Date.now();
  if (event.key === "/") { event.preventDefault(); const box = $(".bar input"); if (box && box.offsetParent) box.focus(); else location.href = "/ask"; }
  if (event.key === "m") show($("[data-as=map]:not([hidden])") ? "table" : "map");
  if (event.key === "e") unfold();
  if (event.key === "t") flip();
  if (event.key === "F") location.href = "/?full=1";
  if (event.key === "?") $("dialog[data-keys]").showModal();
});
const off = $("[data-keys-off]");
if (off) { off.checked = store.get("keys") === "off"; off.addEventListener("change", () => store.set("keys", off.checked ? "off" : "on")); }

// live: what changed is drawn again in place, unless somebody is at work in it: then there is a note instead
let due = 0, busy = false;
async function renew() {
  const live = $("[data-live]");
  if (!live) return;
  const inside = live.contains(document.activeElement) && document.activeElement !== document.body;
  if (busy || inside || $("dialog[open]") || getSelection().toString()) { $("[data-new]").classList.add("on"); return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const fresh = answer.ok && $("[data-live]", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (fresh) {
      const open = new Set($$("details[open]", live).map(x => x.id || x.querySelector("h2,code")?.textContent)), view = $("[data-as=table]:not([hidden])") ? "table" : "map", talk = $(".talk")?.scrollTop;
      live.replaceWith(fresh);
      $$("details", fresh).forEach(x => { if (open.has(x.id || x.querySelector("h2,code")?.textContent)) x.open = true; });
      if ($("[data-as]")) show(view);
      if (talk) $(".talk").scrollTop = talk;
    }
  } finally { busy = false; }
}
const later = ms => { clearTimeout(due); due = setTimeout(renew, ms); };
if ($("[data-live]") && window.EventSource) {
  const source = new EventSource("/events");
  source.addEventListener("room", event => { const told = JSON.parse(event.data); if (told.did === "began") $("[data-say]").textContent = told.line; later(400); });
  source.addEventListener("run", () => later(1500));
  setInterval(() => later(0), 30000);
}

// what-if: the answer is put in place, and its address into the bar; without this the same page is loaded
let trial = 0;
async function tryOut(to, push = true) {
  const mine = ++trial, begun = performance.now();
  const answer = await fetch(to, { headers: { accept: "text/html" } });
  const text = await answer.text();
  const fresh = answer.ok && $("[data-trial]", new DOMParser().parseFromString(text, "text/html"));
  if (mine !== trial) return;
  if (!fresh) { location.href = to; return; }
  const table = $("[data-trial] details")?.open;
  $("[data-trial]").replaceWith(fresh);
  if (table) $("[data-trial] details").open = true;
  if (push) history.pushState(null, "", to);
  requestAnimationFrame(() => { document.body.dataset.took = Math.round(performance.now() - begun); });
}
document.addEventListener("click", event => {
  const at = event.target.closest("[data-trial] a[href^='/what-if']:not([download])");
  if (!at || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  tryOut(at.getAttribute("href"));
});
document.addEventListener("submit", event => {
  if (!event.target.matches("[data-trial] form")) return;
  event.preventDefault();
  tryOut(`/what-if?${new URLSearchParams(new FormData(event.target, event.submitter))}`);
});
if ($("[data-trial]")) addEventListener("popstate", () => tryOut(location.pathname + location.search, false));

// passkeys: what is signed is the hash of plan, snapshot, policy and decision
async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": csrf }, body: JSON.stringify(body) });
  return [answer.status, await answer.json()];
}
function say(kind, words) {
  const at = $("[data-answer]") || $("[data-say]"), note = document.createElement("div");
  note.className = `note ${kind}`;
  note.textContent = words;
  at.replaceChildren(note);
  note.scrollIntoView({ block: "nearest" });
}
const able = () => window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;
const NONE = "This browser has no passkeys: approve on the command line with your key.";
async function decide(at) {
  const { run, plan, snapshot, policy, decide: decision } = at.dataset, reason = decision === "reject" ? $("#why").value.trim() : "";
  if (decision === "reject" && !reason) { $("#why").focus(); return; }
  at.closest("dialog").close();
  if (!able()) { say("warn", NONE); return; }
  try {
    const [status, asked] = await post(`/api/v1/approvals/${run}/question`, { plan, snapshot, policy, decision, reason });
    if (status !== 200) { say("crit", `Nothing was decided: ${asked.error.message}. ${asked.error.fix || ""}`); return; }
    const key = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.options) });
    const [code, done] = await post(`/api/v1/approvals/${run}/decision`, { question: asked.question, credential: key.toJSON() });
    if (code !== 200) { say("crit", `Nothing was decided: ${done.error.message}. ${done.error.fix || ""}`); return; }
    say("good", done.words);
    $$("[data-open]").forEach(x => { x.disabled = true; });
  } catch (error) { say("warn", `Nothing was decided: ${error.message}`); }
}
async function enrol(at) {
  if (!able()) { say("warn", NONE); return; }
  try {
    const [status, asked] = await post("/api/v1/passkeys/question", {});
    if (status !== 200) { say("crit", asked.error.message); return; }
    const key = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.options) });
    const [code, done] = await post("/api/v1/passkeys", { question: asked.question, credential: key.toJSON() });
    if (code === 200) { at.disabled = true; say("good", done.words); } else say("crit", done.error.message);
  } catch (error) { say("warn", `No passkey was made: ${error.message}`); }
}
