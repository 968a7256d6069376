// Letters that arrive while the inbox is open appear by themselves.
"use strict";
const EVERY = 4000; // milliseconds

async function look() {
  const list = document.querySelector("#letters ol, #letters .none");
  if (document.hidden || !list || list.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#letters ol, #letters .none");
  if (fresh && fresh.outerHTML !== list.outerHTML) list.replaceWith(fresh);
}

setInterval(() => look().catch(() => {}), EVERY); // away for a moment: the next look finds it
