// Makes tables sortable by header and long tables filterable; without this script all rows are shown.
"use strict";
(() => {
  const ABSENT = "–";
  const LONG = 10; // rows above which a table gets a filter
  const text = (cell) => (cell.dataset.value ?? cell.textContent).trim();
  const number = (words) => {
    const plain = words.replace(/−/g, "-");
    return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  };

  // Announces to screen readers how the table was sorted.
  const spoken = document.createElement("p");
  spoken.className = "unseen";
  spoken.setAttribute("role", "status");

  // Numbers before text; missing values last in either direction.
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
      const name = head.textContent.trim();
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        const way = next === undefined ? "ascending" : next;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        const order = [...rows];
        if (way) {
          head.setAttribute("aria-sort", way);
          const down = way === "descending";
          order.sort((a, b) => compare(text(a.cells[column]), text(b.cells[column]), down));
        }
        body.append(...order);
        spoken.textContent = way ? `sorted by ${name}, ${way}` : "in the original order";
      });
    });
    if (rows.length > LONG) filterable(table, rows);
  }

  function filterable(table, rows) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const told = document.createElement("span");
    const line = document.createElement("div");
    line.className = "filter small soft";
    box.type = "search";
    told.setAttribute("role", "status");
    label.append("Filter rows ", box, " ");
    line.append(label, told);
    (table.closest(".scroll") ?? table).before(line);
    let contents = null; // filled at the first key press, so that the page opens quickly
    box.addEventListener("input", () => {
      contents ??= rows.map((row) => row.textContent.toLowerCase());
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        const kept = words.every((word) => contents[i].includes(word));
        row.classList.toggle("filtered", !kept);
        shown += kept;
      });
      told.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  }

  for (const table of document.querySelectorAll("table")) {
    if (table.tHead && table.tBodies.length === 1 && !("plain" in table.dataset)) sortable(table);
  }
  document.body.append(spoken);

  // Makes cells with overflowing content scrollable by keyboard.
  function reachable() {
    for (const cell of document.querySelectorAll(".cell:not([tabindex])")) {
      if (cell.scrollHeight > cell.clientHeight + 1) cell.tabIndex = 0;
    }
  }
  reachable();
  document.addEventListener("toggle", reachable, true); // folded content had no height
})();
