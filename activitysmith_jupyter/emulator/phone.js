// The phone page's script: shows what the emulator sends, lets clocks and timers run, and changes
// the theme. The emulator sends the Lock Screen as finished HTML with all text escaped.
(() => {
  "use strict";
  const lock = document.getElementById("lock");
  const link = document.getElementById("link");
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const RETRY_MS = 1500;
  const THEMES = ["auto", "light", "dark"];

  // Elements stay in place as long as the emulator sends the same for their key, so that focus,
  // scroll position and selection survive updates of their neighbours.
  const sentHtml = new WeakMap();
  const shownSince = new WeakMap();
  let isFirst = true;

  function show(html) {
    const next = document.createElement("template");
    next.innerHTML = html;
    document.getElementById("app").replaceChildren(...next.content.querySelectorAll(".ph-app"));
    const present = new Map([...lock.children].map((child) => [child.dataset.key, child]));
    const wanted = [...next.content.children].map((element) => {
      const html = element.outerHTML;
      const old = present.get(element.dataset.key);
      if (old && sentHtml.get(old) === html) return old;
      sentHtml.set(element, html);
      if (!old && !isFirst) element.classList.add("ph-new");
      return element;
    });
    const keep = new Set(wanted);
    for (const child of [...lock.children]) if (!keep.has(child)) child.remove();
    wanted.forEach((element, index) => {
      if (lock.children[index] !== element) lock.insertBefore(element, lock.children[index] || null);
    });
    isFirst = false;
    tick();
  }

  function digits(seconds) {
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return (hours ? hours + ":" : "") + two(minutes) + ":" + two(seconds % 60);
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // The emulator's clock may stand still or run ahead of this one, so only spans of time are
  // measured here: how long the digits have been on the page.
  function tickTimer(element) {
    if (!shownSince.has(element)) shownSince.set(element, performance.now());
    const { asTimer, asTimerSeconds, asTimerLimit, asTimerRunning } = element.dataset;
    const passed = asTimerRunning === "true" ? (performance.now() - shownSince.get(element)) / 1000 : 0;
    const start = Number(asTimerSeconds);
    if (asTimer === "down") write(element, digits(Math.ceil(Math.max(0, start - passed))));
    else write(element, digits(Math.floor(Math.min(Number(asTimerLimit || Infinity), start + passed))));
  }

  function clockTime(date) {
    return date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  }

  function tick() {
    const now = new Date();
    const time = clockTime(now).replace(/\s*[AP]M$/i, ""); // the Lock Screen shows bare digits
    write(document.getElementById("time"), time);
    write(
      document.getElementById("date"),
      now.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" }),
    );
    lock.querySelectorAll("[data-as-timer]").forEach(tickTimer);
    document.querySelectorAll("[data-origin]").forEach((element) => write(element, location.origin));
    lock.querySelectorAll("[data-as-clock]").forEach((element) => {
      write(element, clockTime(new Date(Number(element.dataset.asClock) * 1000)));
    });
  }

  function setLink(state, words) {
    link.dataset.state = state;
    write(link, words);
  }

  function listen() {
    const events = new EventSource("/_emulator/events");
    events.onopen = () => setLink("live", "Live");
    events.onmessage = (event) => {
      setLink("live", "Live");
      show(JSON.parse(event.data).html);
    };
    events.onerror = () => {
      setLink("lost", "Reconnecting…");
      if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(listen, RETRY_MS);
    };
  }

  function setTheme(theme) {
    root.dataset.asPageTheme = theme;
    button.setAttribute("aria-label", "Theme: " + theme);
    button.title = "Theme: " + theme;
  }

  button.addEventListener("click", () => {
    const theme = THEMES[(THEMES.indexOf(root.dataset.asPageTheme) + 1) % THEMES.length];
    setTheme(theme);
    const address = new URL(location.href);
    address.searchParams.set("theme", theme);
    history.replaceState(null, "", address);
  });

  const asked = new URLSearchParams(location.search).get("theme");
  setTheme(THEMES.includes(asked) ? asked : "auto");
  tick();
  setInterval(tick, 250);
  listen();
})();
