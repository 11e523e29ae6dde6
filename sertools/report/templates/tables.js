// Every table can be sorted by its headers, a long one filtered; without this script all is shown in order.
"use strict";
(() => {
  const ABSENT = "–";
  const text = (cell) => (cell.dataset.value ?? cell.textContent).trim();
  const number = (words) => {
    const plain = words.replace(/−/g, "-");
    return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  };

  // Numbers before words, what is absent last whichever way one sorts.
  function compare(a, b, down) {
    const gone = (words) => words === "" || words === ABSENT;
    if (gone(a) || gone(b)) return gone(a) - gone(b);
    const [x, y] = [number(a), number(b)];
    const order =
      Number.isNaN(x) || Number.isNaN(y)
        ? Number.isNaN(x) - Number.isNaN(y) || a.localeCompare(b, undefined, { numeric: true })
        : x - y;
    return down ? -order : order;
  }

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2 || rows.some((row) => row.cells.length !== heads.length)) return;
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.ariaSort ?? ""];
        const way = next === undefined ? "ascending" : next;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        const order = [...rows];
        if (way) {
          head.setAttribute("aria-sort", way);
          const down = way === "descending";
          order.sort((a, b) => compare(text(a.cells[column]), text(b.cells[column]), down));
        }
        body.append(...order);
      });
    });
    if (rows.length >= 12) filterable(table, rows);
  }

  function filterable(table, rows) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const told = document.createElement("span");
    label.className = "filter small soft";
    box.type = "search";
    told.setAttribute("role", "status");
    label.append("Filter ", box, " ", told);
    (table.closest(".scroll") ?? table).before(label);
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const content = row.textContent.toLowerCase();
        row.classList.toggle("filtered", !words.every((word) => content.includes(word)));
        shown += !row.classList.contains("filtered");
      }
      told.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  }

  for (const table of document.querySelectorAll("table")) {
    if (table.tHead && table.tBodies.length === 1) sortable(table);
  }
})();
