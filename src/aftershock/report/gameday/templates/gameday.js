"use strict";
(() => {
  const table = document.querySelector(".findings");
  const body = table.tBodies[0];
  const fields = ["what", "scenario", "owner", "ticket", "again"];
  const heads = { what: "Finding", scenario: "Scenario", owner: "Owner", ticket: "Ticket", again: "Test again" };
  const key = "aftershock.findings." + table.dataset.run;
  const said = document.getElementById("said");
  const read = () => Array.from(body.rows, (row) => {
    const one = { id: row.dataset.id };
    for (const cell of row.querySelectorAll("[data-field]")) one[cell.dataset.field] = cell.textContent.trim();
    return one;
  });
  const given = read();
  const count = () => { document.getElementById("open-findings").textContent = body.rows.length; };
  const keep = () => {
    count();
    try { localStorage.setItem(key, JSON.stringify(read())); } catch (error) { said.textContent = "This browser keeps nothing: copy it."; }
  };
  const show = (findings) => {
    body.replaceChildren(...findings.map((one) => {
      const row = document.createElement("tr");
      row.dataset.id = one.id;
      for (const field of fields) {
        const cell = row.insertCell();
        cell.dataset.field = field;
        cell.dataset.label = heads[field];
        cell.textContent = one[field] || "";
        cell.setAttribute("role", "textbox");
        cell.setAttribute("aria-label", heads[field]);
        try { cell.contentEditable = "plaintext-only"; } catch (error) { cell.contentEditable = "true"; }
      }
      const drop = document.createElement("button");
      drop.type = "button"; drop.className = "drop"; drop.textContent = "✕";
      drop.setAttribute("aria-label", "Remove this finding");
      drop.addEventListener("click", () => { row.remove(); keep(); });
      row.insertCell().append(drop);
      return row;
    }));
    count();
  };
  const cell = (text) => text.replace(/[\\|*_`<>\[\]]/g, "\\$&").replace(/\s+/g, " ");
  const markdown = () => [
    "| Finding | Scenario | Owner | Ticket | Test again |", "|---|---|---|---|---|",
    ...read().map((one) => "| " + fields.map((field) => cell(one[field])).join(" | ") + " |"), "",
  ].join("\n");
  const yaml = () => read().map((one) => ["id", ...fields].filter((field) => one[field])
    .map((field, number) => (number ? "  " : "- ") + field + ": " + JSON.stringify(one[field])).join("\n") + "\n").join("");
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); said.textContent = "Copied."; } catch (error) {
      const area = document.createElement("textarea");
      area.value = text; document.body.append(area); area.select();
      said.textContent = document.execCommand("copy") ? "Copied." : "Not copied: the browser forbids it.";
      area.remove();
    }
  };
  const acts = {
    add: () => {
      show([...read(), { id: "own-" + Date.now().toString(36) }]);
      keep();
      body.rows[body.rows.length - 1].cells[0].focus();
    },
    markdown: () => copy(markdown()),
    yaml: () => copy(yaml()),
    reset: () => { try { localStorage.removeItem(key); } catch (error) { /* nothing was kept */ } show(given); },
  };
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(key)); } catch (error) { kept = null; }
  show(Array.isArray(kept) ? kept : given);
  body.addEventListener("input", keep);
  for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", acts[button.dataset.do]);
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded) { folded.open = true; folded.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
