// Asks the device for a passkey when one of these forms is sent, and sends what it answers (WebAuthn, level 3).
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const supported =
    window.PublicKeyCredential?.parseCreationOptionsFromJSON && window.PublicKeyCredential.parseRequestOptionsFromJSON;
  form.hidden = !supported && form.dataset.passkey === "get";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form).catch((error) => say(form, error));
  });
}

async function ask(form) {
  say(form, null);
  const body = new URLSearchParams({ form: form.elements.namedItem("form").value });
  const answer = await fetch(form.dataset.options, { method: "POST", body });
  if (!answer.ok) throw new Error("This page is too old. Load it again.");
  const options = await answer.json();
  const create = form.dataset.passkey === "create";
  const credential = create
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  form.elements.namedItem("answer").value = JSON.stringify(credential.toJSON());
  form.submit();
}

function say(form, error) {
  const place = form.querySelector("[role=alert]");
  place.hidden = !error;
  const dismissed = error && (error.name === "NotAllowedError" || error.name === "AbortError");
  place.textContent = !error ? "" : dismissed ? "The device was not asked, or said no." : error.message;
}
