// <fiu-time>, <fiu-copy>, tips on hover and focus, search as you need it.

// --- <fiu-time>: the viewer's zone; deadlines keep running

const { lang: language, dataset: { zone } } = document.documentElement;
const region = language === "en" ? "en-GB" : language; // day before month
const day = { day: "numeric", month: "short", year: "numeric", timeZone: zone };
const formats = {
  time: new Intl.DateTimeFormat(region, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: zone && "short" }),
  date: new Intl.DateTimeFormat(region, day),
};

class FiuTime extends HTMLElement {
  connectedCallback() {
    this.time = this.querySelector("time");
    if (!this.time) return;
    if (this.dataset.form === "relative") {
      this.tick();
      this.clock = setInterval(() => this.tick(), 30_000);
    } else {
      const moment = new Date(this.time.dateTime);
      this.time.textContent = (formats[this.dataset.form] ?? formats.time).format(moment);
    }
  }

  disconnectedCallback() {
    clearInterval(this.clock);
  }

  // The server's words carry the language: only their numbers are renewed, once they differ.
  tick() {
    const minutes = Math.round((new Date(this.time.dateTime) - Date.now()) / 60_000);
    if (minutes < 0 && !this.time.classList.contains("ink-bad")) this.time.classList.add("ink-bad");
    if (language !== "en") return;
    const left = Math.abs(minutes);
    const [days, hours, rest] = [Math.floor(left / 1440), Math.floor((left % 1440) / 60), left % 60];
    const words = days ? `${days} d${hours ? ` ${hours} h` : ""}` : hours ? `${hours} h${rest ? ` ${rest} min` : ""}` : `${rest} min`;
    this.time.textContent = minutes < 0 ? `${words} late` : `in ${words}`;
  }
}

// --- <fiu-copy>: copies the whole text

class FiuCopy extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!button || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.dataset.text);
      showTip(button, this.dataset.done);
    });
  }
}

// --- Tips: data-tip on anything, shown on hover and focus, told to screen readers

const tip = document.createElement("div");
tip.className = "tooltip";
tip.id = "tip";
tip.role = "tooltip";
tip.popover = "manual";
let owner = null;

function showTip(on, text) {
  hideTip();
  owner = on;
  tip.textContent = text;
  // Near its owner: a modal dialog shows only its own descendants, and text belongs in a landmark.
  (on.closest("dialog[open], main, nav, header") ?? document.body).append(tip);
  tip.showPopover();
  const place = on.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const beside = on.hasAttribute("data-side-tip");
  const left = beside ? place.right + 8 : place.left + place.width / 2 - own.width / 2;
  const below = place.bottom + 6;
  const top = beside ? place.top + (place.height - own.height) / 2 : below + own.height > innerHeight ? place.top - own.height - 6 : below;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - own.width - 8))}px`;
  tip.style.top = `${Math.max(8, top)}px`;
  on.setAttribute("aria-describedby", [on.getAttribute("aria-describedby"), "tip"].filter(Boolean).join(" "));
}

function hideTip() {
  if (!owner) return;
  const rest = (owner.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== "tip");
  if (rest.length) owner.setAttribute("aria-describedby", rest.join(" "));
  else owner.removeAttribute("aria-describedby");
  owner = null;
  if (tip.matches(":popover-open")) tip.hidePopover();
}

function wanted(target) {
  const on = target.closest?.("[data-tip], [data-side-tip]");
  if (!on) return null;
  if (on.dataset.tip) return [on, on.dataset.tip];
  // Rail entries name themselves unless their word is hidden.
  return on.querySelector("span")?.offsetWidth > 2 ? null : [on, on.dataset.sideTip];
}

for (const [begin, end] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  document.addEventListener(begin, (event) => {
    const found = wanted(event.target);
    if (found && found[0] !== owner) showTip(...found);
  });
  document.addEventListener(end, (event) => {
    if (owner && !owner.contains(event.relatedTarget)) hideTip();
  });
}
document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
addEventListener("scroll", hideTip, { capture: true, passive: true });

customElements.define("fiu-time", FiuTime);
customElements.define("fiu-copy", FiuCopy);
