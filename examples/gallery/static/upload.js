// Uploads one file by a ticket: the bytes go where the ticket says, and the ticket comes back for the claim.
// `ticket` is what the server's `Ticket.to_dict()` gave; `progress` is called with bytes sent.

export async function sendByTicket(ticket, file, { progress = () => {}, signal } = {}) {
  if (ticket.protocol === "parts") {
    let sent = 0;
    for (let number = 0; number < ticket.parts.length; number += 1) {
      const part = file.slice(number * ticket.part_size, (number + 1) * ticket.part_size);
      await send("PUT", ticket.parts[number], {}, part, (bytes) => progress(sent + bytes), signal);
      sent += part.size;
    }
    return;
  }
  let body = file;
  if (ticket.method === "POST") {
    body = new FormData();
    for (const [name, value] of Object.entries(ticket.fields)) body.append(name, value);
    body.append("file", file);
  }
  await send(ticket.method, ticket.url, ticket.headers, body, progress, signal);
}

// fetch() tells no progress of uploads; XMLHttpRequest does.
function send(method, url, headers, body, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`the storage answered ${request.status}`)));
    request.onerror = () => reject(new Error("the storage could not be reached"));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    if (signal?.aborted) return reject(new DOMException("cancelled", "AbortError"));
    request.send(body);
  });
}
