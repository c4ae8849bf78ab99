"use strict";
// The page is drawn by the server; this keeps it live and sends what the person does.

const boot = JSON.parse(document.getElementById("boot").textContent);
const app = document.querySelector(".app");
const base = `/as/${boot.me}/${boot.channel || "-"}`;
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- talking to the server -------------------------------------------------------------
let acted = 0; // when the person last did something that may be answered by a message

async function act(verb, fields) {
  const answered = ["say", "click", "submit"].includes(verb);
  if (answered) acted = Date.now();
  const answer = await fetch(`/as/${boot.me}/act`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ act: verb, ...fields }),
  }).catch(() => null);
  const body = answer ? await answer.json() : { ok: false, error: "The workspace is not reachable." };
  if (!body.ok) notice(body.error);
  if (answered) acted = Date.now();
  return body;
}

function notice(text) {
  const box = document.createElement("div");
  box.className = "notice";
  box.textContent = text;
  $("#notices").append(box);
  setTimeout(() => box.remove(), 6000);
}

// --- times, in the reader's own zone ---------------------------------------------------
const formats = {
  "{time}": { hour: "2-digit", minute: "2-digit" },
  "{short}": { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  "{time_secs}": { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  "{date_num}": { year: "numeric", month: "2-digit", day: "2-digit" },
  "{date_short}": { year: "numeric", month: "short", day: "numeric" },
  "{date}": { year: "numeric", month: "long", day: "numeric" },
  "{date_long}": { weekday: "long", year: "numeric", month: "long", day: "numeric" },
};

function dayName(date) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 864e5);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString(undefined, { weekday: "long", month: "long", day: "numeric" });
}

function showTimes(root) {
  for (const time of $$("time[data-ts]", root)) {
    const date = new Date(parseFloat(time.dataset.ts) * 1000);
    if (isNaN(date)) continue;
    time.textContent = time.dataset.format.replace(/\{\w+\}/g, (name) => {
      if (name.endsWith("_pretty}")) return dayName(date);
      return formats[name] ? date.toLocaleString(undefined, formats[name]) : name;
    });
    time.title = date.toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
  }
  for (const input of $$("input[data-epoch]", root)) {
    const at = Number(input.dataset.epoch);
    if (at) input.value = new Date(at * 1000 - new Date(at * 1000).getTimezoneOffset() * 6e4).toISOString().slice(0, 16);
  }
}

// --- lists of messages -----------------------------------------------------------------
function arrange(list) {
  let before = null;
  for (const day of $$(":scope > .day", list)) day.remove();
  for (const message of $$(":scope > .message", list)) {
    const at = new Date(parseFloat(message.dataset.ts) * 1000);
    const newDay = !before || before.at.toDateString() !== at.toDateString();
    if (newDay && list.dataset.list === "channel") {
      const day = document.createElement("div");
      day.className = "day";
      day.textContent = dayName(at);
      message.before(day);
    }
    const follows = !newDay && before.author === message.dataset.author && at - before.at < 3e5 && !message.matches(".ephemeral") && !before.whispered;
    message.classList.toggle("follows", follows);
    before = { at, author: message.dataset.author, whispered: message.matches(".ephemeral") };
  }
}

function atEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 120;
}

// Whoever reads the end goes on doing so, but never past the head of a long message; whoever
// reads elsewhere stays where they are and is told.
function settle(box, fresh, before) {
  const top = fresh.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop;
  const end = box.scrollHeight - box.clientHeight;
  if (before.stick && before.last) box.scrollTop = Math.max(box.scrollTop, Math.min(end, top - 8));
  else if (before.stick || before.above) box.scrollTop += box.scrollHeight - before.height;
  if (before.fresh && !atEnd(box) && top > box.scrollTop + box.clientHeight - 60) $("[data-newer]", box).hidden = false;
}

document.addEventListener("scroll", (event) => {
  if (event.target.matches?.(".scroll") && atEnd(event.target)) $("[data-newer]", event.target)?.setAttribute("hidden", "");
}, true);

function put(listName, ts, html) {
  const list = $(`.list[data-list="${CSS.escape(listName)}"]`);
  if (!list) return;
  const box = list.closest(".scroll");
  const fresh = document.createRange().createContextualFragment(html).firstElementChild;
  const old = $(`:scope > .message[data-ts="${CSS.escape(ts)}"]`, list);
  const frame = box.getBoundingClientRect();
  const before = {
    fresh: !old,
    stick: atEnd(box) || (!old && Date.now() - acted < 6000),
    last: !old || old === list.lastElementChild,
    above: old && old.getBoundingClientRect().bottom <= frame.top,
    height: box.scrollHeight,
  };
  if (old) {
    const opened = $$("details", old).map((one) => one.open);
    const focused = old.contains(document.activeElement) && document.activeElement.dataset.action;
    old.replaceWith(fresh);
    $$("details", fresh).forEach((one, index) => { one.open = opened[index] || one.open; });
    if (focused) $(`[data-action="${CSS.escape(focused)}"]`, fresh)?.focus();
  } else {
    const after = $$(":scope > .message", list).find((one) => one.dataset.ts > ts);
    if (after) after.before(fresh); else list.append(fresh);
  }
  showTimes(fresh);
  arrange(list);
  settle(box, fresh, before);
  if (!old && listName === "channel" && document.visibilityState === "visible") read();
}

function remove(ts) {
  for (const message of $$(`.message[data-ts="${CSS.escape(ts)}"]`)) {
    const list = message.parentElement;
    message.remove();
    arrange(list);
  }
}

let reading = null;
function read() {
  clearTimeout(reading);
  reading = setTimeout(() => act("read", { channel: boot.channel }), 250);
}

// --- threads ---------------------------------------------------------------------------
async function openThread(ts, push = true) {
  const answer = await fetch(`${base}/thread/${ts}`);
  if (!answer.ok) return;
  const pane = $("#thread");
  pane.innerHTML = await answer.text();
  app.classList.add("with-thread");
  prepare(pane);
  const box = $(".scroll", pane);
  box.scrollTop = startOf(box);
  $("textarea", pane)?.focus({ preventScroll: true });
  if (push) history.pushState({}, "", `?thread=${ts}`);
}

// A thread opens at its alarm and card; once more was said, at the latest of it.
function startOf(box) {
  const messages = $$(".message", box);
  if (messages.length <= 2) return 0;
  const top = messages.at(-1).getBoundingClientRect().top - box.getBoundingClientRect().top;
  return Math.min(top + box.scrollTop - 8, box.scrollHeight - box.clientHeight);
}

function closeThread(push = true) {
  app.classList.remove("with-thread");
  $("#thread").replaceChildren();
  if (push) history.pushState({}, "", location.pathname);
}

addEventListener("popstate", () => {
  const ts = new URLSearchParams(location.search).get("thread");
  if (ts) openThread(ts, false); else closeThread(false);
});

// --- modals ----------------------------------------------------------------------------
const modal = $("#modal");

function showModal(html) {
  if (!html) {
    if (modal.open) modal.close();
    modal.replaceChildren();
    return;
  }
  const old = $("form", modal);
  const typed = old ? values(old) : {};
  const focused = document.activeElement?.closest?.("#modal [data-field]")?.id;
  const same = old && html.includes(`data-view="${old.dataset.view}"`);
  modal.innerHTML = html;
  showTimes(modal);
  if (same) restore($("form", modal), typed);
  if (!modal.open) modal.showModal();
  focusModal(focused);
}

function focusModal(before) {
  const field = $("[aria-invalid]", modal) || (before && document.getElementById(before));
  (field || $("[autofocus], [data-field]", modal) || $(".primary", modal))?.focus();
}

modal.addEventListener("cancel", (event) => {
  event.preventDefault();
  closeView(false);
});

function closeView(everything) {
  const view = $("form", modal)?.dataset.view;
  if (view) act("close", { view_id: view, everything });
}

// --- what is filled in -----------------------------------------------------------------
// An external select offers what the app answers to what was typed (block_suggestion).
function chosenOption(field) {
  const option = [...field.list.options].find((one) => one.value === field.value);
  return option ? JSON.parse(option.dataset.option) : null;
}

async function suggest(field) {
  if (field.value.length < Number(field.dataset.least) || chosenOption(field)) return;
  const scope = field.closest("[data-scope]");
  const place = scope.dataset.scope === "message" ? { channel: boot.channel, ts: scope.dataset.ts } : { view_id: scope.dataset.view };
  const answer = await act("suggest", { action_id: field.dataset.action, value: field.value, ...place });
  field.list.replaceChildren(...(answer?.options || []).map((option) => {
    const shown = document.createElement("option");
    shown.value = option.text.text;
    shown.dataset.option = JSON.stringify(option);
    return shown;
  }));
}

document.addEventListener("input", (event) => { if (event.target.matches?.("input[list][data-field]")) suggest(event.target); });
document.addEventListener("focusin", (event) => { if (event.target.matches?.("input[list][data-field]")) suggest(event.target); });

function valueOf(field) {
  if (field.list) {
    const option = chosenOption(field);
    return field.dataset.kind.startsWith("multi_") ? (option ? [option] : []) : option;
  }
  if (field.matches("fieldset")) {
    const picked = $$("input:checked", field).map((one) => one.value);
    return field.dataset.kind === "radio_buttons" ? picked[0] || "" : picked;
  }
  if (field.multiple) return [...field.selectedOptions].map((one) => one.value);
  if (field.type === "datetime-local") return field.value ? String(Date.parse(field.value) / 1000) : "";
  return field.value;
}

function values(scope) {
  const found = {};
  for (const field of $$("[data-field]", scope)) {
    const block = field.closest("[data-block]").dataset.block;
    (found[block] ??= {})[field.dataset.action] = valueOf(field);
  }
  return found;
}

function restore(scope, typed) {
  for (const field of $$("[data-field]", scope)) {
    const value = typed[field.closest("[data-block]").dataset.block]?.[field.dataset.action];
    if (value === undefined) continue;
    if (field.matches("fieldset")) for (const one of $$("input", field)) one.checked = [value].flat().includes(one.value);
    else if (field.multiple) for (const one of field.options) one.selected = value.includes(one.value);
    else if (field.type !== "datetime-local") field.value = value;
  }
}

// --- clicking --------------------------------------------------------------------------
function confirmed(element) {
  const asked = element.closest("[data-confirm]")?.dataset.confirm;
  if (!asked) return Promise.resolve(true);
  const words = JSON.parse(asked);
  const dialog = $("#confirm");
  const body = document.createElement("div");
  body.className = "dialog-body";
  const title = document.createElement("h2");
  title.textContent = words.title;
  const text = document.createElement("div");
  text.className = "text";
  text.innerHTML = words.text; // escaped and marked up by the server
  body.append(title, text);
  const foot = document.createElement("footer");
  return new Promise((resolve) => {
    for (const [label, style, answer] of [[words.deny, "", false], [words.confirm, words.style, true]]) {
      const button = document.createElement("button");
      button.className = `button ${style}`;
      button.textContent = label;
      button.onclick = () => { dialog.close(); resolve(answer); };
      foot.append(button);
    }
    dialog.replaceChildren(body, foot);
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
    foot.lastElementChild.focus();
  });
}

async function dispatch(element, value) {
  if (!(await confirmed(element))) return;
  const scope = element.closest("[data-scope]");
  const fields = {
    action_id: element.closest("[data-action]").dataset.action,
    block_id: element.closest("[data-block]").dataset.block,
    value,
    values: values(scope),
  };
  element.setAttribute("aria-busy", "true");
  if (scope.dataset.scope === "message") await act("click", { channel: boot.channel, ts: scope.dataset.ts, ...fields });
  else await act("act_in_view", { view_id: scope.dataset.view, ...fields });
  element.removeAttribute("aria-busy");
}

document.addEventListener("click", async (event) => {
  const target = event.target;
  const open = $$("details.overflow[open], details.whoami[open]");
  for (const one of open) if (!one.contains(target) || target.closest(".menu button")) one.open = false;
  if (!target.closest("#sidebar") && !target.closest("[data-menu]")) app.classList.remove("menu-open");
  const on = (selector) => target.closest(selector);
  let hit;
  if ((hit = on("[data-menu]"))) app.classList.toggle("menu-open");
  else if ((hit = on("[data-close-thread]"))) { event.preventDefault(); closeThread(); }
  else if ((hit = on("[data-thread]:not(form)"))) { event.preventDefault(); openThread(hit.dataset.thread); }
  else if ((hit = on("[data-newer]"))) hit.closest(".scroll").scrollTo({ top: 1e7, behavior: "smooth" });
  else if ((hit = on("[data-close]"))) closeView(false);
  else if ((hit = on("[data-close-all]"))) closeView(true);
  else if ((hit = on("[data-react]"))) act("react", { channel: boot.channel, ts: hit.closest(".message").dataset.ts, name: hit.dataset.react });
  else if ((hit = on("[data-shortcut]"))) act("shortcut", { callback_id: hit.dataset.shortcut, channel: boot.channel, ts: hit.closest(".message").dataset.ts });
  else if ((hit = on("[data-canvas]"))) openCanvas(hit.dataset.canvas);
  else if ((hit = on("[data-person]"))) { event.preventDefault(); location.href = hit.getAttribute("href") + location.search; }
  else if ((hit = on("button[data-action], a[data-action]"))) dispatch(hit, hit.dataset.value);
});

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-field][data-now]");
  if (field) dispatch(field, valueOf(field));
});

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.matches(".composer")) return send(form);
  form.setAttribute("aria-busy", "true");
  await act("submit", { view_id: form.dataset.view, values: values(form) });
  form.removeAttribute("aria-busy");
});

async function openCanvas(title) {
  const dialog = $("#canvas");
  const answer = await fetch(`${base}/canvas`);
  if (!answer.ok) return;
  const head = document.createElement("header");
  head.className = "pane-head";
  const name = document.createElement("h2");
  name.textContent = title;
  const close = document.createElement("button");
  close.className = "button slim";
  close.textContent = "Close";
  close.onclick = () => dialog.close();
  head.append(name, close);
  const body = document.createElement("div");
  body.className = "dialog-body markdown";
  body.innerHTML = await answer.text();
  dialog.replaceChildren(head, body);
  dialog.showModal();
}

// --- writing ---------------------------------------------------------------------------
const draftKey = (form) => `draft ${boot.me} ${form.dataset.channel} ${form.dataset.thread}`;

function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
  area.form.classList.toggle("ready", area.value.trim() !== "");
}

async function send(form) {
  const area = form.elements.text;
  const text = area.value;
  if (!text.trim()) return;
  hideHints(form);
  area.value = "";
  fit(area);
  sessionStorage.removeItem(draftKey(form));
  const answer = await act("say", { channel: form.dataset.channel, text, thread_ts: form.dataset.thread || null });
  if (!answer.ok && !area.value) { area.value = text; fit(area); }
}

function hintsFor(area) {
  const before = area.value.slice(0, area.selectionStart);
  const slash = /^\/\S*$/.exec(before);
  const mark = /(?:^|\s)([@#][^@#\n]{0,24})$/.exec(before);
  const word = slash ? slash[0] : mark ? mark[1] : "";
  if (!word) return { word, found: [] };
  const all = { "/": boot.commands, "@": boot.people, "#": boot.channels }[word[0]];
  const wanted = word.toLowerCase();
  return { word, found: all.filter((one) => one.insert.toLowerCase().startsWith(wanted) && one.insert !== word).slice(0, 8) };
}

function hideHints(form) {
  const list = $(".hints", form);
  list.hidden = true;
  list.replaceChildren();
}

function showHints(area) {
  const { word, found } = hintsFor(area);
  const list = $(".hints", area.form);
  list.replaceChildren();
  list.hidden = !found.length;
  found.forEach((one, index) => {
    const item = document.createElement("li");
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(index === 0));
    const name = document.createElement("b");
    name.textContent = one.label;
    const detail = document.createElement("span");
    detail.className = "quiet";
    detail.textContent = one.detail;
    item.append(name, detail);
    item.onmousedown = (event) => { event.preventDefault(); take(area, word, one.insert); };
    item.dataset.insert = one.insert;
    item.dataset.word = word;
    list.append(item);
  });
}

function take(area, word, insert) {
  const end = area.selectionStart;
  area.setRangeText(`${insert} `, end - word.length, end, "end");
  hideHints(area.form);
  fit(area);
}

document.addEventListener("input", (event) => {
  const area = event.target;
  if (!area.matches(".composer textarea")) return;
  fit(area);
  showHints(area);
  sessionStorage.setItem(draftKey(area.form), area.value);
});

document.addEventListener("keydown", (event) => {
  const area = event.target;
  if (event.key === "Escape" && !$("dialog[open]")) {
    if (app.classList.contains("menu-open")) app.classList.remove("menu-open");
    else if (area.matches?.("#thread *") && !$(".hints:not([hidden])")) closeThread();
  }
  if (!area.matches?.(".composer textarea")) return;
  const items = $$(".hints li", area.form);
  const at = items.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (items.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const next = (at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
    items.forEach((one, index) => one.setAttribute("aria-selected", String(index === next)));
    items[next].scrollIntoView({ block: "nearest" });
  } else if (items.length && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) {
    event.preventDefault();
    take(area, items[at].dataset.word, items[at].dataset.insert);
  } else if (items.length && event.key === "Escape") {
    hideHints(area.form);
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    area.form.requestSubmit();
  }
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches(".composer textarea")) hideHints(event.target.form);
});

// --- live ------------------------------------------------------------------------------
function follow() {
  const stream = new EventSource(`${base}/stream`);
  let lost = false;
  stream.onmessage = (event) => apply(JSON.parse(event.data));
  stream.onerror = () => { lost = true; $("#offline").hidden = false; };
  stream.onopen = async () => {
    $("#offline").hidden = true;
    document.documentElement.dataset.live = "yes";
    if (lost) { lost = false; await resync(); }
  };
}

async function resync() {
  const list = $('.list[data-list="channel"]');
  if (!list) return;
  const answer = await fetch(`${base}/messages`);
  if (!answer.ok) return;
  list.innerHTML = await answer.text();
  prepare(list.parentElement);
  const thread = $("#thread .list");
  if (thread) {
    const fresh = await fetch(`${base}/thread/${thread.dataset.list}`);
    const page = new DOMParser().parseFromString(await fresh.text(), "text/html");
    thread.replaceChildren(...$(".list", page).children);
    prepare($("#thread"));
  }
}

function apply(patch) {
  if (patch.op === "put") put(patch.list, patch.ts, patch.html);
  else if (patch.op === "remove") remove(patch.ts);
  else if (patch.op === "modal") showModal(patch.html);
  else if (patch.op === "notice") notice(patch.text);
  else if (patch.op === "home") refreshHome();
  else if (patch.op === "header" && $("#header")) { $("#header").innerHTML = patch.html; showTimes($("#header")); }
  else if (patch.op === "sidebar") {
    const open = $(".whoami")?.open;
    $("#sidebar").innerHTML = patch.html;
    if (open) $(".whoami").open = true;
  }
}

async function refreshHome() {
  const main = $("[data-home]");
  if (!main) return;
  const answer = await fetch(`${location.pathname}?quiet`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  $(".scroll", main).replaceWith($("[data-home] .scroll", page));
  showTimes(main);
}

function prepare(root) {
  showTimes(root);
  for (const list of $$(".list", root)) arrange(list);
  for (const form of $$(".composer", root)) {
    form.elements.text.value = sessionStorage.getItem(draftKey(form)) || "";
    fit(form.elements.text);
  }
}

prepare(document);
if ($("#modal form")) { modal.showModal(); focusModal(); }
for (const box of $$(".scroll")) if (!location.hash) box.scrollTop = box.closest("#thread") ? startOf(box) : box.scrollHeight;
if (location.hash) $(`[id="${CSS.escape(location.hash.slice(1))}"]`)?.scrollIntoView({ block: "center" });
else if (matchMedia("(min-width: 861px)").matches && !modal.open) $("main .composer textarea")?.focus();
setInterval(() => showTimes(document), 60000);
follow();
