// Keeps an open page up to date. Without it the page is complete, and as old as its last loading.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const seconds = Number(main.dataset.live);
  const button = document.getElementById("pause");
  const news = document.getElementById("news");
  let paused = false;

  const told = (place) => [...place.querySelectorAll("[data-news]")].map((one) => one.textContent.trim());

  // Focus, open details and what was scrolled belong to the reader: they outlive the exchange.
  function exchange(fresh) {
    const before = told(main);
    const focused = main.contains(document.activeElement) ? path(document.activeElement) : null;
    const open = [...main.querySelectorAll("details[open]")].map((one) => one.id);
    const scrolled = [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    main.replaceChildren(...document.importNode(fresh, true).childNodes);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    main.querySelectorAll(".scroll").forEach((one, index) => { one.scrollLeft = scrolled[index] ?? 0; });
    if (focused) follow(focused)?.focus({ preventScroll: true });
    const changed = told(main).filter((text, index) => text !== before[index]);
    if (changed.length) news.textContent = changed.join(". ");
  }

  // An element by its id, or by its place among its siblings up to one that has an id.
  function path(element) {
    const places = [];
    while (element !== main && !element.id) {
      places.unshift([...element.parentNode.children].indexOf(element));
      element = element.parentNode;
    }
    return { id: element === main ? "content" : element.id, places };
  }

  function follow({ id, places }) {
    return places.reduce((element, place) => element?.children[place], document.getElementById(id));
  }

  async function look() {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!paused && fresh && fresh.innerHTML !== main.dataset.shown) {
        main.dataset.shown = fresh.innerHTML;
        exchange(fresh);
      }
      if (news.dataset.away) { news.textContent = "Up to date again."; delete news.dataset.away; }
    } catch {
      if (!news.dataset.away) news.textContent = "The operator does not answer; this page may be out of date.";
      news.dataset.away = "yes";
    }
  }

  async function go() {
    await look();
    setTimeout(go, seconds * 1000);
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    news.textContent = paused ? "Updates are paused." : "Updates go on.";
  });
  main.dataset.shown = main.innerHTML;
  setTimeout(go, seconds * 1000);
})();
