"""A table of molecules with their pictures, which a click on a heading sorts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape

from molgan.metrics.reporting.page import drawing

TABLE_STYLE = """\
.scroll { overflow-x: auto; max-height: 80vh; overflow-y: auto; border: 1px solid #e4e8eb; }
table.molecules { border-collapse: collapse; font-size: .82rem;
  font-variant-numeric: tabular-nums; }
.molecules th, .molecules td { padding: .2rem .5rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid #e4e8eb; }
.molecules thead th { position: sticky; top: 0; background: #fff; z-index: 1; }
.molecules th:not([data-number]) { text-align: left; }
.molecules td.name { text-align: left; max-width: 16rem; overflow: hidden;
  text-overflow: ellipsis; }
.molecules td.text { text-align: left; min-width: 11rem; max-width: 22rem; white-space: normal;
  overflow-wrap: anywhere; }
.molecules button { font: inherit; font-weight: 600; background: none; border: 0; padding: 0;
  cursor: pointer; color: #0b5d8f; }
.molecules th[aria-sort=ascending] button::after { content: " \\2191"; }
.molecules th[aria-sort=descending] button::after { content: " \\2193"; }
"""
"""CSS of the table, besides that of all pages."""

SCRIPT = """\
document.querySelectorAll("table.molecules").forEach(function (table) {
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  heads.forEach(function (head, column) {
    var button = head.querySelector("button");
    if (!button) { return; }
    button.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var body = table.tBodies[0];
      var rows = Array.prototype.slice.call(body.rows);
      function key(row) { return row.cells[column].getAttribute("data-v") || ""; }
      rows.sort(function (a, b) {
        var x = key(a), y = key(b);
        if (x === "" || y === "") { return (x === "") - (y === ""); }
        var order = head.hasAttribute("data-number") ? x - y : x.localeCompare(y);
        return down ? -order : order;
      });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
});
"""
"""What sorts: a page with such a table needs it as its script."""


def sortable_table(
    rows: Sequence[Mapping[str, str]],
    columns: Sequence[str],
    numbers: Collection[str],
    cell: tuple[int, int] = (150, 112),
) -> str:
    """Return the table as HTML, for a page with `TABLE_STYLE` and `SCRIPT`.

    Args:
        rows: One for each molecule: column -> text, any text; `smiles` is drawn.
        columns: Which of them are shown, in order.
        numbers: Columns that are sorted as numbers; an empty text is a missing one.
        cell: Width and height of a picture in pixels.
    """
    heads = "".join(
        f'<th scope="col"{" data-number" if name in numbers else ""}'
        f'{_title(name)}><button type="button">{escape(name.replace("_", " "))}</button></th>'
        for name in columns
    )
    lines = []
    for row in rows:
        cells = "".join(_cell(name, row[name], name in numbers) for name in columns)
        picture = drawing(row["smiles"], cell)
        lines.append(f'<tr><td title="{escape(row["smiles"])}">{picture}</td>{cells}</tr>')
    return (
        f'<div class="scroll"><table class="molecules"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _title(name: str) -> str:
    """What a score is, with its unit and direction, where the pointer rests."""
    from molgan.chem.scores import SCORES

    info = SCORES.get(name)
    if info is None:
        return ""
    text = f"{info.label}; {info.unit}; better: {info.better or '-'}"
    return f' title="{escape(text)}"'


def _cell(name: str, text: str, is_number: bool) -> str:
    value = escape(text)
    if is_number:
        return f'<td data-v="{value}">{f"{float(text):.4g}" if text else "-"}</td>'
    if name == "name":  # in one line, whole where the pointer rests
        return f'<td class="name" title="{value}" data-v="{value}">{value}</td>'
    return f'<td class="text" data-v="{value}">{value}</td>'
