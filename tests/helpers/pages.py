"""Pages of HTML, read strictly from a file or shown by a browser."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Reads a page strictly: every element that opens must close, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def read(folder) -> Page:
    """The page of a report in a folder."""
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def unfold(page) -> None:
    """Opens all that is folded."""
    page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true; })")


def column(table, i: int) -> list[str]:
    """The texts of a column's cells, from the rows that are shown."""
    cells = "(rows, i) => rows.filter(r => r.offsetHeight).map(r => r.cells[i].innerText)"
    return table.locator("tbody tr").evaluate_all(cells, i)
