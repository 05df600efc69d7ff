import { sendByTicket } from "./upload.js";

const $ = (id) => document.getElementById(id);
const SHOWN = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

async function api(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const found = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(found.message ?? found.detail ?? `the application answered ${answer.status}`);
  return found;
}

function tell(text, bad = false) {
  $("news").textContent = text;
  $("news").classList.toggle("bad", bad);
}

async function act(work) {
  try {
    await work();
  } catch (error) {
    tell(error.message, true);
  }
  await show();
}

// --- uploads

async function upload(file) {
  const item = $("upload-template").content.cloneNode(true).firstElementChild;
  const bar = item.querySelector("progress");
  const cancel = item.querySelector("button");
  const stop = new AbortController();
  item.querySelector(".name").textContent = file.name;
  bar.setAttribute("aria-label", `Progress of ${file.name}`);
  cancel.setAttribute("aria-label", `Cancel ${file.name}`);
  cancel.onclick = () => stop.abort();
  $("uploads").append(item);
  try {
    const ticket = await api("POST", "api/tickets", { filename: file.name, size: file.size, content_type: file.type });
    const progress = (bytes) => { bar.value = file.size ? (100 * bytes) / file.size : 100; };
    await sendByTicket(ticket, file, { progress, signal: stop.signal });
    await api("POST", "api/files", { token: ticket.token });
    tell(`${file.name} is stored.`);
  } catch (error) {
    if (error.name === "AbortError") tell(`${file.name} was cancelled.`);
    else tell(`${file.name} was not stored: ${error.message}`, true);
  } finally {
    item.remove();
    await show();
  }
}

// --- what there is

function view(entry) {
  const { url, filename, content_type: type } = entry.file;
  if (SHOWN.test(type)) return Object.assign(new Image(), { src: url, alt: filename, loading: "lazy" });
  const kind = type.split("/")[0];
  if (kind === "video" || kind === "audio") {
    return Object.assign(document.createElement(kind), { src: url, controls: true, preload: "metadata", title: filename });
  }
  const label = document.createElement("span");
  label.className = "kind";
  label.textContent = filename.includes(".") ? filename.split(".").pop().slice(0, 8) : "file";
  return label;
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

function size(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) { bytes /= 1000; unit += 1; }
  return `${unit ? bytes.toFixed(1) : bytes} ${UNITS[unit]}`;
}

function card(entry) {
  const item = $("file-template").content.cloneNode(true).firstElementChild;
  const name = entry.file.filename;
  item.dataset.version = version(entry);
  item.querySelector(".view").append(view(entry));
  item.querySelector(".name").textContent = name;
  item.querySelector(".facts").textContent = `${size(entry.file.size)}, ${entry.file.content_type}`;
  const download = item.querySelector(".download");
  download.href = entry.file.url;
  download.setAttribute("aria-label", `Download ${name}`);
  const remove = item.querySelector(".delete");
  remove.setAttribute("aria-label", `Delete ${name}`);
  remove.onclick = () => act(async () => {
    await api("DELETE", `api/files/${entry.id}`);
    tell(`${name} was deleted.`);
    $("files").focus();
  });
  return item;
}

function line(text, kind) {
  const item = document.createElement("li");
  item.textContent = text;
  if (kind) item.className = kind;
  return item;
}

// A database may use a number again that a rollback set free.
const version = ({ id, file }) => JSON.stringify([id, file.filename, file.size, file.last_modified]);

// Cards stay as they are while their file does, so that a video goes on playing.
function showFiles(entries) {
  const before = new Map([...$("files").children].map((item) => [item.dataset.version, item]));
  $("files").replaceChildren(...entries.map((entry) => before.get(version(entry)) ?? card(entry)));
  $("empty").hidden = entries.length > 0;
}

async function show() {
  const state = await api("GET", "api/state");
  $("where").textContent = `${state.database} and ${state.storage}`;
  showFiles(state.files);
  $("rows").replaceChildren(...state.rows.map((row) => line(`${row.id}  ${row.path}`)));
  $("objects").replaceChildren(
    ...state.objects.map((object) => line(`${object.path}  ${size(object.size)}`, object.state === "held" ? "" : object.state)),
  );
  $("tickets").textContent = state.used_tickets
    ? `And ${state.used_tickets} mark${state.used_tickets === 1 ? "" : "s"} of used tickets, which the next sweep takes.`
    : "";
  $("row-count").textContent = state.rows.length;
  $("object-count").textContent = state.objects.length;
  $("transaction").textContent = state.open
    ? `Open: ${state.changes} change${state.changes === 1 ? "" : "s"} that nobody else sees yet.`
    : "Each change is committed at once.";
  document.querySelector(".transaction").classList.toggle("open", state.open);
  $("begin").disabled = state.open;
  $("commit").disabled = $("rollback").disabled = !state.open;
}

// --- what is done

const drop = $("drop");
$("picker").onchange = (event) => {
  for (const file of event.target.files) upload(file);
  event.target.value = "";
};
drop.ondragover = (event) => { event.preventDefault(); drop.classList.add("over"); };
drop.ondragleave = () => drop.classList.remove("over");
drop.ondrop = (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  for (const file of event.dataTransfer.files) upload(file);
};

const TOLD = { begin: "The next changes wait for a commit.", commit: "Committed.", rollback: "Rolled back." };
for (const step of Object.keys(TOLD)) {
  $(step).onclick = () => act(async () => {
    await api("POST", `api/transaction/${step}`);
    tell(TOLD[step]);
  });
}

await act(async () => {});
