// Makes tables sortable by header and long tables filterable; without this script all rows are shown.
"use strict";
(() => {
  const ABSENT = "–";
  const PAGE = 100; // rows of a table that is shown in parts
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
        turn();
        spoken.textContent = way ? `sorted by ${name}, ${way}` : "in the original order";
      });
    });
    const turn = "paged" in table.dataset && rows.length > PAGE ? paged(table) : () => {};
    if (rows.length > LONG) filterable(table, rows, turn);
  }

  // Shows a page of the rows that the filter leaves, with buttons for the others; returns what turns to the first.
  function paged(table) {
    const body = table.tBodies[0];
    const line = document.createElement("div");
    const shown = document.createElement("span");
    let first = 0;
    line.className = "filter small soft";
    shown.setAttribute("role", "status");
    const turned = (begin) => {
      const rows = [...body.rows].filter((row) => !row.classList.contains("filtered"));
      first = Math.max(0, Math.min(begin, Math.floor((rows.length - 1) / PAGE) * PAGE));
      rows.forEach((row, i) => row.classList.toggle("on-another-page", i < first || i >= first + PAGE));
      shown.textContent = `rows ${Math.min(first + 1, rows.length)} to ${Math.min(first + PAGE, rows.length)} of ${rows.length}`;
      back.disabled = first === 0;
      on.disabled = first + PAGE >= rows.length;
    };
    const button = (name, by) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = name;
      made.addEventListener("click", () => turned(first + by));
      return made;
    };
    const back = button("Previous rows", -PAGE);
    const on = button("Next rows", PAGE);
    line.append(back, on, shown);
    (table.closest(".scroll") ?? table).after(line);
    turned(0);
    return () => turned(0);
  }

  function filterable(table, rows, turn) {
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
      turn();
      told.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  }

  for (const table of document.querySelectorAll("table")) {
    if (table.tHead && table.tBodies.length === 1 && !("plain" in table.dataset)) sortable(table);
  }
  document.body.append(spoken);

  // Makes cells with overflowing content scrollable by keyboard. Folded cells are measured when they are shown: to ask
  // for their height would lay out all of them.
  function reachable(place) {
    for (const cell of place.querySelectorAll(".cell:not([tabindex])")) {
      if (!cell.closest("details:not([open])") && cell.scrollHeight > cell.clientHeight + 1) cell.tabIndex = 0;
    }
  }
  reachable(document);
  document.addEventListener("toggle", (event) => reachable(event.target), true);
})();
