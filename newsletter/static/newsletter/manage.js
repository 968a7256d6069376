// While an interest is typed: what it would have brought. Without this script it is said after adding.
(() => {
  const input = document.querySelector("[data-foresee]");
  if (!input) return;
  const place = document.createElement("div");
  place.className = "foreseen";
  place.setAttribute("aria-live", "polite");
  input.form.after(place);
  let timer = 0;
  let asked = 0;

  const ask = async () => {
    const mine = ++asked;
    const text = input.value.trim();
    if (!text) return place.replaceChildren();
    try {
      const response = await fetch(`${input.dataset.foresee}?q=${encodeURIComponent(text)}`);
      if (!response.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (mine === asked) place.replaceChildren(...page.body.children);
    } catch {
      place.replaceChildren(); // away: adding it says the same
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
  place.addEventListener("click", (event) => {
    const instead = event.target.closest("[data-instead]");
    if (!instead) return;
    input.value = instead.dataset.instead;
    input.focus();
    ask();
  });
})();
