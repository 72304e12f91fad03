// Security keys: forms with data-key="create" or "get" ask the browser for one before they are sent.

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const named = (list) => list?.map((each) => ({ ...each, id: bytes(each.id) }));

function prepared(options) {
  const ready = { ...options, challenge: bytes(options.challenge) };
  if (options.user) ready.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) ready.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) ready.allowCredentials = named(options.allowCredentials);
  return ready;
}

// What the server reads: every buffer as base64url.
function told(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function ask(form) {
  const complaint = form.querySelector("[data-key-error]");
  complaint.textContent = "";
  if (!navigator.credentials) {
    complaint.textContent = complaint.dataset.keyMissing;
    return;
  }
  const { publicKey } = JSON.parse(document.getElementById("key-options").textContent);
  try {
    const credential = await navigator.credentials[form.dataset.key]({ publicKey: prepared(publicKey) });
    form.elements.credential.value = JSON.stringify(told(credential));
  } catch {
    complaint.textContent = complaint.dataset.keyError;
    return;
  }
  form.submit(); // past the listener below
}

for (const form of document.querySelectorAll("form[data-key]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
}
