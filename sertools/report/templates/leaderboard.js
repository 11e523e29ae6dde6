// Filters the tables by corpus and audit; without this script everything is shown.
"use strict";
(() => {
  const form = document.querySelector(".filters");
  const chosen = (what) => form.querySelector(`[data-filter="${what}"]`).value;
  function show() {
    const corpus = chosen("corpus");
    const audit = chosen("audit");
    for (const section of document.querySelectorAll("section[data-corpus]")) {
      section.hidden = corpus !== "" && section.dataset.corpus !== corpus;
    }
    for (const cell of document.querySelectorAll("[data-audit]")) {
      cell.hidden = audit !== "" && cell.dataset.audit !== audit;
    }
    for (const row of document.querySelectorAll("tr[data-audits]")) {
      row.hidden = audit !== "" && !JSON.parse(row.dataset.audits).includes(audit);
    }
  }
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();
