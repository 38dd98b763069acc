"use strict";

// A link or a filter puts the page's content anew and leaves the rest. Without it each of them loads a page.
(() => {
  const main = () => document.getElementById("main");

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo } = event.detail;
    const there = new URL(xhr.responseURL, window.location.href);
    const asked = new URL(pathInfo.finalRequestPath, window.location.href);
    const page = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/html");
    if (page && there.pathname === asked.pathname) return;
    // Led elsewhere, as to who signed out is, the browser goes there whole.
    event.detail.shouldSwap = false;
    window.location.assign(asked.href);
  });

  // No answer at all: the browser says so better than a page that stands still.
  document.addEventListener("htmx:sendError", (event) => window.location.assign(event.detail.pathInfo.finalRequestPath));

  // Who goes by keyboard or hears the page stands where it began, and not before the navigation.
  document.addEventListener("htmx:afterSettle", () => {
    if (document.activeElement === document.body) main().focus({ preventScroll: true });
  });
})();
