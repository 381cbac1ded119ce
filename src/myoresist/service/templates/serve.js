// The page answers while something is entered. Nothing is kept unless somebody asks for it.
"use strict";
const form = document.getElementById("case"), answer = document.getElementById("answer");
const told = document.getElementById("told"), keep = document.getElementById("keep");
const KEPT = "myoresist";
let waiting = 0, searching = 0, asking = null, changed = false, leaving = false;

const entries = () => {
  const found = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value && value !== "unknown" && name !== "letter") found.append(name, value);
  }
  return found;
};
const part = (html) => document.createRange().createContextualFragment(html);
const post = (path, body, signal) => fetch(path, { method: "POST", body, signal, cache: "no-store" });

function mark() {
  for (const note of form.querySelectorAll("[data-note]")) {
    note.textContent = "";
    note.classList.remove("wrong");
  }
  for (const box of form.querySelectorAll("[aria-invalid]")) box.removeAttribute("aria-invalid");
  for (const one of answer.querySelectorAll("[data-mistake], [data-remark]")) {
    const name = one.dataset.mistake ?? one.dataset.remark, note = document.getElementById(`note.${name}`);
    if (note) note.textContent = `${note.textContent} ${one.dataset.text}`.trim();
    if (one.dataset.mistake === undefined) continue;
    note?.classList.add("wrong");
    document.getElementById(name)?.setAttribute("aria-invalid", "true");
  }
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  answer.classList.add("waiting");
  try {
    const reply = await post("/answer", entries(), asking.signal), html = await reply.text();
    if (!reply.ok) throw new Error(`The server answered ${reply.status}.`);
    show(html);
    if (answer.querySelector("#page")) next(asking.signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    told.textContent = `No answer: ${error.message} What stands here is older.`;
  }
  answer.classList.remove("waiting");
}

// What would change most takes longer than the page, which does not wait for it.
async function next(signal) {
  try {
    const reply = await post("/asks", entries(), signal), html = await reply.text();
    if (!reply.ok) return;
    const focus = document.activeElement?.closest(".asks") && document.activeElement.name;
    answer.querySelector(".asks")?.remove();
    answer.append(part(html));
    if (focus) (form.elements[focus]?.[0] ?? form.elements[focus])?.focus?.();
  } catch (error) {
    if (error.name !== "AbortError") answer.querySelector(".asks")?.remove();
  }
}

function show(html) {
  const fresh = part(html), mistakes = fresh.querySelector(".mistakes");
  if (mistakes && answer.querySelector("#page")) {
    answer.querySelector(".mistakes")?.remove();
    answer.prepend(mistakes);
    told.textContent = "An entry cannot be read yet; what stands here answers what was entered before.";
  } else {
    const focus = document.activeElement?.closest("#answer") && document.activeElement.name;
    const asks = answer.querySelector(".asks");
    answer.replaceChildren(fresh, ...(asks ? [asks] : []));
    if (focus) (form.elements[focus]?.[0] ?? form.elements[focus])?.focus?.();
    const state = answer.querySelector(".state")?.textContent ?? "";
    told.textContent = `Answered: ${state}`;
    document.querySelector(".bar").textContent = `${state} ↓`;
  }
  mark();
  performance.mark("answered");
}

function later(time) {
  clearTimeout(waiting);
  waiting = setTimeout(ask, time);
  changed = true;
  if (keep.checked) localStorage.setItem(KEPT, entries().toString());
}

// A finding that is answered outside of the questions moves into the form, where it stays.
function settle(box) {
  const own = box.closest("[data-finding]"), name = own.dataset.finding;
  const home = [...form.querySelectorAll("[data-finding]")].find(
    (one) => one.dataset.finding === name && !one.closest("#found"));
  if (home && home !== own) {
    for (const one of home.querySelectorAll("input")) {
      if (one.type === "radio") one.checked = one.value === box.value; else one.value = box.value;
    }
    if (own.closest("#found")) own.remove();
  } else if (!home) {
    const copy = own.cloneNode(true);
    for (const one of copy.querySelectorAll("input[type=radio]")) one.checked = one.value === box.value;
    for (const one of copy.querySelectorAll("[id]")) one.id = one.id.replace(/^(ask|found)\./, "");
    for (const one of copy.querySelectorAll("label[for]")) one.htmlFor = one.htmlFor.replace(/^(ask|found)\./, "");
    document.getElementById("further").append(copy);
    if (own.closest("#found")) { own.remove(); copy.querySelector(`input[value="${box.value}"], input`)?.focus(); }
  }
}

document.addEventListener("input", (event) => {
  const box = event.target;
  if (box.id === "q") { clearTimeout(searching); searching = setTimeout(find, 120); return; }
  if (box.form !== form || /\.paste$|^letter$/.test(box.name)) return;
  if (box.type === "radio" || box.tagName === "SELECT") {
    if (box.closest("#answer, #found")) settle(box);
    later(20);
  } else later(300);
});
document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.form !== form || box.id === "q" || box.id === "letter") return;
  if (/\.paste$/.test(box.name)) { paste(box); return; }
  if (box.closest("#answer, #found") && box.type !== "radio") settle(box);
  later(0);
});

async function find() {
  const reply = await post("/search", new URLSearchParams({ q: document.getElementById("q").value }));
  if (reply.ok) document.getElementById("found").replaceChildren(part(await reply.text()));
}

async function paste(box) {
  const rows = box.closest(".question, details.visits").querySelector(".rows");
  if (!box.value.trim()) return;
  const reply = await post(`/rows/${rows.dataset.section}`, entries());
  if (!reply.ok) { told.textContent = "These rows cannot be read."; return; }
  rows.replaceChildren(part(await reply.text()));
  box.value = "";
  later(0);
}

form.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text"), rows = event.target.closest(".rows");
  if (!rows || !/[\t\n]/.test(text.trim())) return;
  event.preventDefault();
  const box = document.getElementById(`${rows.dataset.section}.paste`);
  box.value = text;
  paste(box);
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".rest-no")) {
    for (const one of button.closest(".question").querySelectorAll(".finding")) {
      const [open, , no] = one.querySelectorAll("input");
      if (open.checked) no.checked = true;
    }
    later(0);
  } else if (button?.matches(".add")) {
    const rows = button.closest("section, details").querySelector(".rows");
    const last = rows.lastElementChild, fresh = last.cloneNode(true), number = rows.children.length;
    const name = (text) => text.replace(/\.\d+\./, `.${number}.`);
    for (const one of fresh.querySelectorAll("[id], [name], [for], [data-note]")) {
      for (const key of ["id", "name", "for", "data-note", "aria-describedby"]) {
        if (one.hasAttribute(key)) one.setAttribute(key, name(one.getAttribute(key)));
      }
      if ("value" in one && one.tagName !== "OPTION") one.value = "";
      if (one.dataset.note) one.textContent = "";
    }
    fresh.setAttribute("aria-label", `${rows.dataset.one} ${number + 1}`);
    rows.append(fresh);
    fresh.querySelector("input").focus();
  } else if (button?.matches(".find")) {
    event.preventDefault();
    find();
  }
});

// What a record system wrote into the address has served, and does not stay in the history.
if (location.pathname === "/callback") history.replaceState(null, "", "/");

// Enter answers instead of leaving the page; the buttons below the answer still send the form.
form.addEventListener("submit", (event) => {
  const path = event.submitter?.getAttribute("formaction");
  if (!path) { event.preventDefault(); ask(); }
  leaving = true;
  setTimeout(() => { leaving = false; }, 1000);
});
document.getElementById("open").addEventListener("submit", (event) => {
  event.target.elements.form.value = entries().toString();
  leaving = true;
});
document.querySelector("#open input").addEventListener("change", (event) => event.target.form.requestSubmit());
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  const box = document.querySelector("#open input");
  box.files = event.dataTransfer.files;
  box.form.requestSubmit();
});
document.getElementById("copy").addEventListener("click", async (event) => {
  if (!navigator.clipboard) return;
  event.preventDefault();
  const reply = await post("/page.txt", entries());
  await navigator.clipboard.writeText(await reply.text());
  told.textContent = reply.ok ? "Copied as text." : "There is no answer to copy yet.";
});

keep.addEventListener("change", () => {
  if (keep.checked) localStorage.setItem(KEPT, entries().toString());
  else localStorage.removeItem(KEPT);
  told.textContent = keep.checked ? "Kept in this browser." : "Removed from this browser.";
});
window.addEventListener("beforeunload", (event) => {
  if (changed && !keep.checked && !leaving) event.preventDefault();
});

async function restore() {
  const kept = localStorage.getItem(KEPT);
  if (kept === null) return;
  keep.checked = true;
  if ("entered" in form.dataset) { localStorage.setItem(KEPT, entries().toString()); return; }
  const reply = await post("/", new URLSearchParams(kept));
  if (!reply.ok) return;
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
  form.replaceChildren(...fresh.getElementById("case").childNodes);
  answer.replaceChildren(...fresh.getElementById("answer").childNodes);
  reveal();
}
function reveal() {
  for (const one of document.querySelectorAll("#keeping, .rest-no, .add")) one.hidden = false;
}
// What was entered before this script had come is answered, too.
function early() {
  const query = document.getElementById("q");
  if (query.value !== query.defaultValue) find();
  const entered = form.querySelectorAll("input:not(#q, [type=hidden], [name$='.paste']), textarea:not(#letter, [name$='.paste'])");
  if ([...entered].some((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked)) later(0);
}
document.querySelector(".opens").hidden = true;
document.getElementById("copy").textContent = "Copy as text";
reveal();
early();
restore();
