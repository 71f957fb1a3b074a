// What the book's pages can do with scripts: filter the ledger and the gallery, copy a citation.
// Without scripts every page is complete; nothing here fetches anything.
(() => {
  "use strict";

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

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

  // --- for keyboards and screen readers ------------------------------------------------------

  // What scrolls sideways can be reached and scrolled by keys; formulas scroll only if they must.
  function markScrollable() {
    for (const formula of document.querySelectorAll("td mjx-container:not([display])")) {
      const room = formula.parentElement.closest("td, p").getBoundingClientRect().width;
      formula.classList.toggle("wide", formula.getBoundingClientRect().width > room);
    }
    const places = "mjx-container, div.math, pre, .bd-content table, .bd-content .highlight";
    for (const place of document.querySelectorAll(places)) {
      const style = getComputedStyle(place).overflowX;
      const scrolls = place.scrollWidth > place.clientWidth && ["auto", "scroll"].includes(style);
      if (scrolls) place.setAttribute("tabindex", "0");
      else if (place.matches("mjx-container, div.math")) place.removeAttribute("tabindex");
    }
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
    markScrollable();
    let waiting;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(markScrollable, 100);
    });
    // MathJax comes later than this script; it says when all formulas are set.
    addEventListener("load", () => window.MathJax?.startup?.promise?.then(markScrollable));
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
