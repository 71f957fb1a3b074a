// What the book's pages can do with scripts: filter the ledger and the gallery, copy a citation,
// show what a link leads to. Without scripts every page is complete; nothing here fetches anything
// but pages of the book itself, for previews.
(() => {
  "use strict";

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // --- formulas ------------------------------------------------------------------------------

  // MathJax would set all formulas of a page and then show them together. Those in view come first
  // here, the others in growing portions, between which the page stays alive.
  async function setFormulas() {
    const inView = (formula) => {
      const at = formula.getBoundingClientRect();
      return at.bottom > 0 && at.top < innerHeight;
    };
    // Resolves when the browser has had time to paint; a page in the background paints nothing.
    const painted = () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => setTimeout(resolve));
        setTimeout(resolve, 100);
      });
    const formulas = [...document.querySelectorAll(".math")];
    const first = new Set(formulas.filter(inView));
    const waiting = [...first, ...formulas.filter((formula) => !first.has(formula))];
    for (let size = 8; waiting.length; size = Math.min(2 * size, 256)) {
      await MathJax.typesetPromise(waiting.splice(0, size));
      await painted();
    }
  }
  // This script comes before MathJax, which finds its settings here.
  if (window.MathJax) window.MathJax.startup = { ...window.MathJax.startup, pageReady: setFormulas };

  // --- copy a citation ---------------------------------------------------------------------

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page opened from a folder may not be allowed to use the clipboard directly.
      const area = element("textarea", { readonly: "", class: "offscreen" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function addCopyButtons() {
    for (const links of document.querySelectorAll(".figure-links")) {
      let panel = links.nextElementSibling;
      if (!panel?.matches(".figure-cite")) panel = panel?.querySelector(".figure-cite");
      const source = panel?.querySelector("pre");
      if (!source) continue;
      const button = element("button", { type: "button", class: "copy-citation" }, "copy BibTeX");
      button.addEventListener("click", async () => {
        await copy(source.textContent.trim());
        button.textContent = "copied";
        setTimeout(() => (button.textContent = "copy BibTeX"), 1500);
      });
      links.append(" · ", button);
    }
  }

  // --- filters -----------------------------------------------------------------------------

  // A filter is a form above a list of entries. Its state stands in the address, so that a
  // filtered page can be linked to and survives a reload.
  function addFilter({ before, entries, fields, orders, noun, sections }) {
    const form = element("form", { class: "book-filter", role: "search" });
    const controls = {};
    for (const [name, values] of Object.entries(fields)) {
      const select = element("select", { name });
      select.append(element("option", { value: "" }, `all ${name}s`.replace("ys", "ies")));
      for (const value of values) select.append(element("option", { value }, value));
      form.append(element("label", {}, `${name} `, select));
      controls[name] = select;
    }
    if (orders) {
      const select = element("select", { name: "order" });
      for (const name of Object.keys(orders)) select.append(element("option", { value: name }, name));
      form.append(element("label", {}, "order ", select));
      controls.order = select;
    }
    const words = element("input", { type: "search", name: "q", size: "16" });
    form.append(element("label", {}, "words ", words));
    controls.q = words;
    const told = element("output", { "aria-live": "polite" });
    form.append(told);
    before.before(form);

    const asked = new URLSearchParams(location.search);
    for (const [name, control] of Object.entries(controls)) {
      const value = asked.get(name);
      if (value !== null) control.value = value;
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.selectedIndex = 0;
    }

    function apply() {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const entry of entries) {
        const fits =
          Object.keys(fields).every((n) => !controls[n].value || entry.facts[n] === controls[n].value) &&
          wanted.every((word) => entry.text.includes(word));
        entry.node.hidden = !fits;
        shown += fits;
      }
      for (const section of sections) {
        section.node.hidden = !section.entries.some((entry) => !entry.node.hidden);
      }
      if (orders) {
        const compare = orders[controls.order.value];
        for (const section of sections) {
          const sorted = [...section.entries].sort(compare);
          for (const entry of sorted) entry.node.parentNode.append(entry.node);
        }
      }
      told.textContent = `${shown} of ${entries.length} ${noun}`;
    }

    function remember() {
      const state = new URLSearchParams();
      for (const [name, control] of Object.entries(controls)) {
        const first = control.tagName === "SELECT" ? control.options[0].value : "";
        if (control.value !== first) state.set(name, control.value);
      }
      const query = state.toString();
      try {
        history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash);
      } catch {
        // Some browsers refuse this for pages opened from a folder; the filter works all the same.
      }
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      apply();
      remember();
    });
    apply();
  }

  const distinct = (entries, name) => [...new Set(entries.map((entry) => entry.facts[name]))];
  const by = (name) => (a, b) =>
    a.facts[name].localeCompare(b.facts[name]) || a.place - b.place;

  function filterLedger() {
    const tables = [...document.querySelectorAll("table.ledger")];
    if (!tables.length) return;
    const entries = [];
    const sections = tables.map((table) => {
      const own = [...table.querySelectorAll("tbody tr")].map((row) => {
        const facts = { ...row.querySelector(".claim-facts").dataset };
        const entry = { node: row, facts, text: row.textContent.toLowerCase(), place: entries.length };
        entries.push(entry);
        return entry;
      });
      return { node: table.closest("section"), entries: own };
    });
    addFilter({
      before: sections[0].node,
      entries,
      sections,
      fields: Object.fromEntries(["paper", "kind", "verdict"].map((n) => [n, distinct(entries, n)])),
      orders: { paper: (a, b) => a.place - b.place, verdict: by("verdict"), kind: by("kind") },
      noun: "claims",
    });
    // A claim that the address points to may have moved: go there again.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  function filterGallery() {
    const cards = [...document.querySelectorAll(".figure-card")];
    const gallery = cards.length && document.body.querySelector("#gallery-of-all-figures");
    if (!gallery) return;
    const entries = cards.map((card, place) => {
      const id = card.querySelector("code").textContent;
      return {
        node: card.closest(".sd-col"),
        facts: { paper: id.split("-")[1] },
        text: card.textContent.toLowerCase(),
        place,
      };
    });
    const sections = [...gallery.querySelectorAll("section")].map((node) => ({
      node,
      entries: entries.filter((entry) => node.contains(entry.node)),
    }));
    addFilter({
      before: sections[0].node,
      entries,
      sections,
      fields: { paper: distinct(entries, "paper") },
      orders: null,
      noun: "figures",
    });
  }

  // --- previews ------------------------------------------------------------------------------

  // A link to a claim, an equation, a figure or a reference shows it when the pointer rests on it
  // or the keyboard reaches it. Pages opened from a folder may not read other pages: there only
  // links within the page have previews.
  const here = () => location.href.split("#")[0];
  const pages = new Map();

  function readPage(address) {
    if (address === here()) return document;
    if (!location.protocol.startsWith("http")) return null;
    if (!pages.has(address)) {
      const read = async () => {
        const answer = await fetch(address);
        return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
      };
      pages.set(address, read().catch(() => null));
    }
    return pages.get(address);
  }

  // The piece of a page that an anchor stands for; of a section its heading and first paragraph.
  function pieceOf(found) {
    const piece = found.closest("tr, figure, .proof, .admonition, div.math, .citation, section, dd, li");
    if (!piece) return null;
    if (piece.tagName !== "SECTION") return [piece];
    // The sections inside boxes have no heading.
    const parts = [piece.querySelector("h1, h2, h3, h4"), piece.querySelector(":scope > p")];
    return parts.filter((part) => part !== null);
  }

  function copyOf(node, address) {
    const copied = node.cloneNode(true);
    for (const extra of copied.querySelectorAll(".headerlink, button, script, .figure-links")) extra.remove();
    for (const inner of [copied, ...copied.querySelectorAll("*")]) {
      inner.removeAttribute("id");
      inner.removeAttribute("tabindex");
      if (inner.tagName === "A") inner.removeAttribute("href");
      if (inner.tagName === "IMG") inner.src = new URL(inner.getAttribute("src"), address).href;
    }
    if (copied.tagName !== "TR") return [copied];
    return [...copied.cells].map((cell) => element("div", {}, ...cell.childNodes));
  }

  function addPreviews() {
    const tip = element("div", { class: "link-preview", role: "tooltip" });
    tip.hidden = true;
    document.body.append(tip);
    let wanted = null;
    let timer;

    function hide() {
      clearTimeout(timer);
      wanted = null;
      tip.hidden = true;
    }

    async function show(link) {
      const [address, id] = link.href.split("#");
      const page = await readPage(address);
      const found = page && page.getElementById(decodeURIComponent(id));
      const piece = found && pieceOf(found);
      if (!piece || wanted !== link) return;
      link.removeAttribute("title"); // the browser's own, shorter preview
      tip.replaceChildren(...piece.flatMap((node) => copyOf(node, address)));
      tip.hidden = false;
      if (page !== document) await window.MathJax?.typesetPromise?.([tip]).catch(() => {});
      place(link);
    }

    function place(link) {
      const at = link.getBoundingClientRect();
      const size = tip.getBoundingClientRect();
      const room = document.documentElement.clientWidth;
      const below = at.bottom + size.height + 8 < innerHeight || at.top < size.height + 8;
      tip.style.left = `${Math.max(8, Math.min(at.left, room - size.width - 8)) + scrollX}px`;
      tip.style.top = `${(below ? at.bottom + 4 : at.top - size.height - 4) + scrollY}px`;
    }

    function ask(link, delay) {
      clearTimeout(timer);
      if (wanted === link) return;
      hide();
      wanted = link;
      timer = setTimeout(() => show(link), delay);
    }

    function leave() {
      clearTimeout(timer);
      timer = setTimeout(hide, 300);
    }

    for (const link of document.querySelectorAll("article a.internal[href*='#'], article a[href*='.html#']")) {
      link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && ask(link, 250));
      link.addEventListener("pointerleave", leave);
      link.addEventListener("focus", () => link.matches(":focus-visible") && ask(link, 0));
      link.addEventListener("blur", leave);
      link.addEventListener("click", hide);
    }
    tip.addEventListener("pointerenter", () => clearTimeout(timer));
    tip.addEventListener("pointerleave", leave);
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
  }

  // --- for keyboards and screen readers ------------------------------------------------------

  // What scrolls sideways can be reached and scrolled by keys; formulas scroll only if they must.
  // All sizes are read before anything is changed, so that the page is laid out once.
  function markScrollable() {
    const formulas = [...document.querySelectorAll("td mjx-container:not([display])")];
    const wide = formulas.map((formula) => {
      const room = formula.parentElement.closest("td, p").getBoundingClientRect().width;
      return formula.getBoundingClientRect().width > room;
    });
    formulas.forEach((formula, place) => formula.classList.toggle("wide", wide[place]));
    const selector = "mjx-container, div.math, pre, .bd-content table, .bd-content .highlight";
    const places = [...document.querySelectorAll(selector)];
    const scrolling = places.map(
      (place) =>
        place.scrollWidth > place.clientWidth &&
        ["auto", "scroll"].includes(getComputedStyle(place).overflowX),
    );
    places.forEach((place, number) => {
      if (scrolling[number]) place.setAttribute("tabindex", "0");
      else if (place.matches("mjx-container, div.math")) place.removeAttribute("tabindex");
    });
  }

  function nameToggles() {
    for (const summary of document.querySelectorAll("nav details > summary")) {
      if (!summary.textContent.trim()) summary.setAttribute("aria-label", "show or hide the pages below");
    }
  }

  function start() {
    nameToggles();
    addCopyButtons();
    filterLedger();
    filterGallery();
    addPreviews();
    let waiting;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(markScrollable, 100);
    });
    // What scrolls is known when all formulas are set. MathJax, if there is any, comes later than
    // this script.
    addEventListener("load", () => {
      if (window.MathJax?.startup?.promise) window.MathJax.startup.promise.then(markScrollable);
      else markScrollable();
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
