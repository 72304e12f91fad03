// Keys and the palette. Keys are off inside fields and dialogs, and can be switched off (list: ?).

const palette = document.querySelector("fiu-palette");
let prefix = 0; // when `g` was pressed

function inField(target) {
  return target.closest?.("input, textarea, select, [contenteditable], dialog");
}

// --- Rows: j, k, Enter

function rows() {
  return [...document.querySelectorAll("[data-rows] tbody tr, .rows > li, .board .tile")].filter((row) => row.querySelector("a[href]") && row.offsetParent);
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.classList.contains("at"));
  const next = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  all[now]?.classList.remove("at");
  next.classList.add("at");
  next.querySelector("a[href]").focus();
  next.scrollIntoView({ block: "nearest" });
}

// --- Ticked rows: x ticks; a, s, t act on these or on the row one is at; e ends it

const bulk = document.querySelector("[data-bulk]");
const said = bulk?.querySelector("[data-ticked]");
const before = said?.textContent;
const boxes = (which = "") => [...document.querySelectorAll(`[data-rows] [name=row]${which}`)];
let last = null; // the box ticked before, for shift

function count() {
  const all = boxes(":checked");
  const sum = all.reduce((so, box) => so + Number(box.dataset.amount ?? 0), 0);
  if (said) said.textContent = all.length ? `${all.length} ${said.dataset.words}${sum ? `, USD ${sum.toLocaleString()}` : ""}` : before;
}

function tick() {
  document.querySelector("tr.at [name=row]")?.click();
}

function act(key) {
  const of = document.querySelector(`tr.at [data-row-key=${key}], [data-key~=${key}]`);
  if (bulk?.contains(of) && !boxes(":checked").length) tick();
  of?.matches("select") ? of.focus() : of?.click();
}

bulk?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("select")) return;
  event.preventDefault();
  event.target.parentElement.nextElementSibling.click();
});
document.addEventListener("click", (event) => {
  if (event.target.name !== "row") return;
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((one, other) => one - other);
  if (event.shiftKey && from >= 0) all.slice(from, to).forEach((box) => (box.checked = event.target.checked));
  last = event.target;
  count();
});

// --- The palette: every place and action of this page, then search

class FiuPalette extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.input = this.querySelector("[role=combobox]");
    this.list = this.querySelector("[role=listbox]");
    this.input.addEventListener("input", () => this.fill());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
    this.querySelector("form").addEventListener("submit", (event) => {
      const chosen = this.list.querySelector("[aria-selected=true]");
      if (chosen?.dataset.href || !this.input.value.trim()) {
        event.preventDefault();
        if (chosen) this.take(chosen);
      }
    });
  }

  show() {
    this.input.value = "";
    this.dialog.showModal();
    this.input.focus();
    this.fill();
  }

  places() {
    const seen = new Set();
    return [...document.querySelectorAll(".rail .entries a, .tabs a, .page-head a.btn, main .table tbody a, main .rows a")]
      .filter((link) => link.href && !seen.has(link.href) && seen.add(link.href))
      .map((link) => ({ href: link.href, link, words: (link.querySelector("span:not(.count, .sr)") ?? link).textContent.trim().replace(/\s+/g, " ") }));
  }

  fill() {
    const typed = this.input.value.trim();
    const wanted = typed.toLowerCase();
    const found = this.places().filter((place) => place.words.toLowerCase().includes(wanted)).slice(0, 8);
    const options = found.map((place, number) => this.option(place.words, number, place.href));
    if (typed && this.querySelector("form").getAttribute("action")) {
      options.push(this.option(`${this.dataset.searchLabel} \u201c${typed}\u201d`, options.length, ""));
    }
    this.list.replaceChildren(...options);
    this.select(options[0]);
  }

  option(words, number, href) {
    const option = document.createElement("li");
    option.id = `palette-${number}`;
    option.role = "option";
    option.textContent = words;
    option.dataset.href = href;
    return option;
  }

  select(option) {
    this.list.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.list.children];
    const now = all.findIndex((option) => option.getAttribute("aria-selected"));
    this.select(all[(now + step + all.length) % all.length]);
  }

  take(option) {
    if (!option.dataset.href) return this.querySelector("form").submit();
    this.dialog.close();
    const place = this.places().find((one) => one.href === option.dataset.href);
    place ? place.link.click() : location.assign(option.dataset.href);
  }
}
customElements.define("fiu-palette", FiuPalette);

// --- Keys

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && palette?.dialog && !palette.dialog.open) {
    event.preventDefault();
    palette.show();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || inField(event.target)) return;
  if (document.querySelector("[data-keys-off]")?.checked && event.key !== "?") return;
  if (prefix && Date.now() - prefix < 1500) {
    prefix = 0;
    return document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
  }
  const acts = {
    g: () => (prefix = Date.now()),
    "/": () => document.querySelector("[data-search]")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    n: () => document.querySelector("[data-new]")?.click(),
    o: () => document.querySelector(".at a")?.click(),
    x: tick,
    "?": () => document.getElementById("keys")?.showModal(),
    "[": () => document.documentElement.classList.toggle("narrow-rail"),
  };
  const wanted = acts[event.key] ?? (/^[acdest]$/.test(event.key) && act);
  if (!wanted) return;
  event.preventDefault();
  wanted(event.key);
});
