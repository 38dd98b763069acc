"use strict";

// The live page: puts new rows above the others, and can be paused.
(() => {
  const rows = document.getElementById("rows");
  const pause = document.getElementById("pause");
  const state = document.getElementById("state");
  const none = document.getElementById("none");
  if (!rows || !pause || !window.EventSource) return;

  const MOST = 200;
  const SAY_EVERY = 10000;
  let after = rows.dataset.after;
  let fresh = 0;
  let said = 0;
  let missed = 0;
  let more = false;
  let source = null;

  const say = (text) => { if (state.textContent !== text) state.textContent = text; };

  const show = (event) => {
    // The server escaped the row; a template element runs and loads nothing.
    const made = document.createElement("template");
    made.innerHTML = event.data;
    const row = made.content.querySelector("tr");
    if (!row) return;
    row.className = "fresh";
    rows.prepend(row);
    while (rows.rows.length > MOST) rows.rows[rows.rows.length - 1].remove();
    none.hidden = true;
    after = event.lastEventId || after;
    fresh += 1;
  };

  const open = () => {
    const view = rows.dataset.view;
    source = new EventSource("/live/events?" + (view ? view + "&" : "") + "after=" + encodeURIComponent(after));
    source.addEventListener("open", () => say("Following."));
    source.addEventListener("fetch", show);
    source.addEventListener("skipped", (event) => {
      // Said with the others, every ten seconds: a voice that reads each of these aloud would never end.
      missed += Number(event.data) || 0;
      more = more || Boolean(view);
      rows.replaceChildren();
    });
    source.addEventListener("ended", () => { close(); window.location.assign("/sign-in"); });
    source.addEventListener("error", () => say("The connection was lost; trying again."));
  };

  const close = () => { if (source) source.close(); source = null; };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    const paused = source !== null;
    if (paused) close(); else open();
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (paused) say("Paused.");
  });
  window.setInterval(() => {
    if (!source || fresh === said) return;
    said = fresh;
    const told = fresh + " new since this page was opened";
    const left = missed + (more ? " and more" : "") + " came too fast to list; they are in the access log.";
    say(missed ? told + ", and " + left : told + ".");
  }, SAY_EVERY);
  window.addEventListener("pagehide", close);
  open();
})();
