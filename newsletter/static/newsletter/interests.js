// Turns the lines of an interests field into chips with live estimates, and keeps the letter beside
// the form up to date. Without this script the lines, and the button under them, do the same.
"use strict";

(() => {
  const PAUSE = 280; // ms without a key before an estimate is asked for
  const LETTER_PAUSE = 900;
  const LONGEST_QUERY = 3500; // characters of an address

  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  const say = (template, text) => template.replace("{text}", text);

  const later = (pause, work) => {
    let timer = 0;
    return (...values) => {
      clearTimeout(timer);
      timer = setTimeout(() => work(...values), pause);
    };
  };

  class Interests {
    constructor(field) {
      this.field = field;
      this.words = field.dataset;
      this.lines = field.querySelector("textarea");
      this.list = field.querySelector(".chips");
      this.asked = null;
      this.build();
      this.adopt();
    }

    build() {
      const label = this.field.querySelector("label");
      const wrong = this.field.querySelector(".wrong[id]");
      label.textContent = this.words.labelInput;
      this.input = make("input", {
        id: "s-interest", type: "text", spellcheck: false, autocomplete: "off", maxLength: 200,
      });
      this.input.setAttribute("autocapitalize", "none");
      this.input.setAttribute("enterkeyhint", "done");
      const described = ["h-interests", "h-interest-keys", wrong && wrong.id].filter(Boolean);
      this.input.setAttribute("aria-describedby", described.join(" "));
      if (wrong) this.input.setAttribute("aria-invalid", "true");
      label.htmlFor = this.input.id;
      this.draft = make("div", { className: "draft", id: "h-interest-keys" });
      this.draft.dataset.empty = this.words.labelHint;
      this.status = make("p", { className: "hidden" });
      this.status.setAttribute("role", "status");
      const add = make("button", {
        type: "button", className: "button-quiet", textContent: this.words.labelAdd,
      });
      const entry = make("div", { className: "entry" }, this.input, add);
      this.lines.hidden = true;
      this.lines.after(entry, this.draft, this.status);
      if (wrong) entry.after(wrong);
      this.list.setAttribute("aria-label", this.words.labelList);

      this.lines.id = "s-interests-lines";
      this.input.id = "s-interests"; // where an error's link leads
      label.htmlFor = "s-interests";
      const estimate = later(PAUSE, () => this.estimateDraft());
      this.input.addEventListener("input", estimate);
      this.input.addEventListener("keydown", (event) => this.press(event));
      this.input.addEventListener("paste", (event) => this.paste(event));
      add.addEventListener("click", () => { this.take(); this.input.focus(); });
      this.field.addEventListener("click", (event) => this.click(event));
      const form = this.field.closest("form");
      form.addEventListener("submit", () => this.take());
      form.querySelectorAll(".noscript").forEach((each) => each.remove());
    }

    // Make chips of the lines that came with the page, keeping the estimates that came with them.
    adopt() {
      const shown = new Map([...this.list.children].map((each) => [each.dataset.text, each]));
      this.list.replaceChildren();
      for (const text of this.texts()) {
        const chip = shown.get(text);
        if (chip) {
          chip.querySelectorAll("[data-instead]").forEach((each) => { each.type = "button"; });
        }
        this.append(text, chip);
      }
      this.show();
    }

    texts() {
      return this.lines.value.split("\n").map((line) => line.trim()).filter(Boolean);
    }

    press(event) {
      if (event.isComposing) return;
      if (event.key === "Enter" && this.input.value.trim()) {
        event.preventDefault(); // an empty field's Enter sends the form
        this.take();
      } else if (event.key === "Backspace" && !this.input.value) {
        const last = this.list.lastElementChild;
        if (last) this.remove(last);
      }
    }

    paste(event) {
      const lines = event.clipboardData.getData("text").split(/\r?\n/);
      if (lines.length < 2) return;
      event.preventDefault();
      lines.map((line) => line.trim()).filter(Boolean).forEach((line) => this.add(line));
    }

    click(event) {
      const instead = event.target.closest("[data-instead]");
      if (instead) {
        event.preventDefault();
        const chip = instead.closest("li[data-text]");
        if (chip) this.replace(chip, instead.dataset.instead);
        else { this.input.value = ""; this.clear(); this.add(instead.dataset.instead); }
        this.input.focus();
      }
      const remove = event.target.closest(".remove");
      if (remove) { this.remove(remove.closest("li")); this.input.focus(); }
    }

    take() {
      const text = this.input.value.trim();
      if (!text) return;
      const estimate = this.draft.dataset.text === text ? this.draft.firstElementChild : null;
      this.input.value = "";
      this.clear(true);
      this.add(text, estimate);
    }

    add(text, estimate) {
      if (this.texts().includes(text)) return;
      this.append(text, estimate ? make("li", {}, estimate) : null);
      this.store();
      this.announce(say(this.words.labelAdded, text));
    }

    append(text, given) {
      const chip = given || make("li", {}, make("div", { className: "estimate" }, make("b", { textContent: text })));
      chip.dataset.text = text;
      chip.classList.add("removable");
      const remove = make("button", { type: "button", className: "remove", textContent: "×" });
      remove.setAttribute("aria-label", say(this.words.labelRemove, text));
      chip.append(remove);
      this.list.append(chip);
      if (!given) this.fill(chip, text);
    }

    async fill(chip, text) {
      const estimate = await this.ask(text);
      if (!estimate || chip.dataset.text !== text) return;
      chip.querySelector(".estimate").replaceWith(estimate);
    }

    replace(chip, text) {
      const fresh = make("div", { className: "estimate" }, make("b", { textContent: text }));
      chip.querySelector(".estimate").replaceWith(fresh);
      chip.dataset.text = text;
      chip.querySelector(".remove").setAttribute("aria-label", say(this.words.labelRemove, text));
      this.store();
      this.announce(say(this.words.labelAdded, text));
      this.fill(chip, text);
    }

    remove(chip) {
      const text = chip.dataset.text;
      chip.remove();
      this.store();
      this.announce(say(this.words.labelRemoved, text));
    }

    async estimateDraft() {
      const text = this.input.value.trim();
      if (!text) { this.clear(); return; }
      this.asked?.abort();
      this.asked = new AbortController();
      this.draft.classList.add("waiting");
      const estimate = await this.ask(text, this.asked.signal);
      if (this.input.value.trim() !== text) return;
      this.draft.classList.remove("waiting");
      if (!estimate) return;
      this.draft.replaceChildren(estimate);
      this.draft.dataset.text = text;
      this.announce(estimate.dataset.said);
    }

    async ask(text, signal) {
      try {
        const url = `${this.words.estimate}?${new URLSearchParams({ q: text })}`;
        const answer = await fetch(url, { signal, headers: { Accept: "text/html" } });
        if (answer.status !== 200) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        return page.querySelector(".estimate");
      } catch (error) {
        if (error.name !== "AbortError") this.announce(this.words.labelAway);
        return null;
      }
    }

    clear(keep = false) {
      this.asked?.abort();
      this.draft.classList.remove("waiting");
      if (!keep || this.draft.firstElementChild) this.draft.replaceChildren();
      delete this.draft.dataset.text;
    }

    store() {
      this.lines.value = [...this.list.children].map((each) => each.dataset.text).join("\n");
      this.show();
      this.lines.dispatchEvent(new Event("change", { bubbles: true }));
    }

    show() {
      this.list.hidden = !this.list.children.length;
    }

    announce(text) {
      this.status.textContent = text;
    }
  }

  // The letter beside the form, loaded anew when interests or the number of papers change.
  const keepLetter = (form, place) => {
    const says = place.querySelector("[data-letter-says]");
    const first = says.textContent;
    const load = later(LETTER_PAUSE, async () => {
      const data = new FormData(form);
      const query = new URLSearchParams({ papers: data.get("papers"), timezone: data.get("timezone") });
      const lines = data.get("interests").split("\n").map((line) => line.trim()).filter(Boolean);
      for (const line of lines) {
        if (`${query}`.length + line.length * 3 < LONGEST_QUERY) query.append("q", line);
      }
      let frame = place.querySelector("iframe");
      const tell = (text) => { frame?.remove(); says.textContent = text; says.hidden = false; };
      if (!lines.length) { tell(first); return; }
      const url = `${place.dataset.letterUrl}?${query}`;
      try {
        const answer = await fetch(url);
        if (answer.status !== 200) {
          tell(answer.headers.get("Content-Type")?.startsWith("text/plain") ? await answer.text() : first);
          return;
        }
      } catch { return; }
      if (!frame) {
        frame = make("iframe", { className: "letter", title: document.getElementById("foretaste").textContent });
        frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
        place.append(frame);
      }
      if (frame.getAttribute("src") !== url) frame.setAttribute("src", url);
      says.hidden = true;
    });
    form.addEventListener("change", (event) => {
      if (["interests", "papers"].includes(event.target.name)) load();
    });
  };

  // "At 08:00 in Europe/Berlin, every day, up to 10 papers", as it stands.
  const tellWhen = (form) => {
    const summary = form.querySelector("[data-when]");
    if (!summary) return;
    const zone = form.querySelector("[data-zone]");
    const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const known = [...document.querySelectorAll("#s-zones option")].some((each) => each.value === guess);
    if (known && zone.value === zone.defaultValue && !form.dataset.kept) zone.value = guess;
    const tell = () => {
      const weekday = form.querySelector("[name=weekday]");
      const days = form.querySelector("[name=days]:checked");
      const weekly = days?.value === "weekly" ? ` ${weekday.selectedOptions[0].textContent}` : "";
      weekday.hidden = days?.value !== "weekly";
      summary.textContent = summary.dataset.template
        .replace("{hour}", form.querySelector("[name=hour]").selectedOptions[0].textContent)
        .replace("{zone}", zone.value)
        .replace("{days}", (days?.closest("label").textContent.trim() ?? "") + weekly)
        .replace("{papers}", form.querySelector("[name=papers]").value);
    };
    form.addEventListener("change", tell);
    zone.addEventListener("input", tell);
    tell();
  };

  for (const form of document.querySelectorAll("form[data-subscribe]")) {
    const field = form.querySelector("[data-interests]");
    if (field) new Interests(field);
    tellWhen(form);
    const place = document.querySelector("[data-letter-url]");
    if (place) keepLetter(form, place);
  }
  document.querySelector("[data-focus]")?.focus();
})();
