// Dialogs, theme, toasts and focus. Everything here improves pages that work without it.

const root = document.documentElement;
const toasts = document.getElementById("toasts");

// --- Dialogs: data-dialog="id" opens, data-close closes; focus comes back to the opener

function open(dialog, opener) {
  if (!dialog?.showModal || dialog.open) return false;
  dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
  dialog.addEventListener("close", () => {
    document.body.append(toasts);
    opener?.focus();
  }, { once: true });
  return true;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener && !event.ctrlKey && !event.metaKey && open(document.getElementById(opener.dataset.dialog), opener)) {
    event.preventDefault();
    return;
  }
  const dialog = event.target.closest("[data-close]")?.closest("dialog");
  if (dialog) {
    event.preventDefault();
    dialog.close();
  } else if (event.target.matches("dialog.palette")) {
    event.target.close();
  }
});

// --- Theme: kept with the person on the server

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form) return;
  event.preventDefault();
  const theme = event.submitter.value;
  const content = new FormData(form, event.submitter);
  root.dataset.theme = theme;
  dispatchEvent(new CustomEvent("fiu:theme"));
  form.querySelector(theme === "dark" ? ".only-dark" : ".only-light")?.focus();
  try {
    const answer = await fetch(form.action, { method: "POST", body: content, redirect: "manual" });
    if (answer.type !== "opaqueredirect" && !answer.ok) toast(toasts.dataset.failed, "bad");
  } catch {
    toast(toasts.dataset.offline, "bad");
  }
});

// --- Toasts

function dismissable(box) {
  const button = document.createElement("button");
  button.className = "quiet";
  button.type = "button";
  button.setAttribute("aria-label", toasts.dataset.dismiss);
  button.textContent = "\u00d7";
  button.addEventListener("click", () => box.remove());
  box.append(button);
  // Errors stay until they are read; a pointer or focus on a toast keeps it.
  if (/bad|error|warn/.test(box.className)) return;
  const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : box.remove());
  setTimeout(leave, 8000);
}

export function toast(text, tone = "good") {
  if (!toasts || toasts.textContent.includes(text)) return; // a poll fails each second
  const box = document.createElement("div");
  box.className = `toast tone-${tone}`;
  box.append(document.createElement("p"));
  box.firstChild.textContent = text;
  toasts.append(box);
  // An open dialog covers and silences the rest.
  (document.querySelector("dialog[open]") ?? document.body).append(toasts);
  dismissable(box);
}

if (toasts) [...toasts.children].forEach(dismissable);
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));

// --- htmx: what failed is said, the page stays; what came in may take focus

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401) return toast(toasts.dataset.session, "bad");
  // After a sign-in in another tab: go on with its token.
  const token = xhr.getResponseHeader("X-Fiu-Token");
  if (token) {
    document.body.setAttribute("hx-headers", `{"X-CSRFToken": "${token}"}`);
    for (const field of document.getElementsByName("csrfmiddlewaretoken")) field.value = token;
  }
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const sentence = page.querySelector("[data-sentence]")?.textContent.trim();
  const reference = page.querySelector("[data-reference]")?.textContent.trim();
  const words = [sentence || toasts.dataset.failed];
  if (reference) words.push(`${toasts.dataset.reference} ${reference}`);
  toast(words.join(" "), "bad");
});
for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    // A poll asks again by itself: no word each second while the server restarts.
    if (!event.detail.elt?.matches("[hx-trigger^='every']")) toast(toasts.dataset.offline, "bad");
  });
}
document.addEventListener("htmx:load", (event) => {
  // Walking the flow by arrows goes on: the card is announced, Enter leads to its details.
  if (document.activeElement?.closest("fiu-graph")) return;
  const wanted = event.detail.elt;
  const target = wanted.matches?.("[data-focus]") ? wanted : wanted.querySelector?.("[data-focus], [aria-invalid=true]");
  target?.focus();
});
document.querySelector("[data-focus]")?.focus();

// A page restored after signing out must ask the server again.
addEventListener("pageshow", (event) => event.persisted && location.reload());
