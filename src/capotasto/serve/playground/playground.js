"use strict";
// One prompt to the base and to any adapters, side by side, through the same API that everybody uses.

const $ = (id) => document.getElementById(id);
const FILTER_FROM = 9; // models from which on a filter helps
const LABELS_SHOWN = 8;
let running = null; // what stops the requests that are under way
let baseName = "";

function headers() {
  const key = $("key").value.trim();
  return { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };
}

async function ask(path, body, signal) {
  const response = await fetch(path, body
    ? { method: "POST", headers: headers(), body: JSON.stringify(body), signal }
    : { headers: headers(), signal });
  if (!response.ok) {
    const said = await response.json().catch(() => null);
    const error = new Error(said?.error?.message || `the server answered ${response.status}`);
    error.status = response.status;
    throw error;
  }
  return response;
}

function fail(message) {
  $("fault").textContent = message;
  $("fault").hidden = !message;
}

// Models

async function listModels() {
  try {
    const { data } = await (await ask("v1/models")).json();
    baseName = (data.find((card) => !card.parent) || data[0]).id;
    showModels(data);
    const adapters = data.length - 1;
    $("server").textContent = `${baseName} with ${adapters} ${adapters === 1 ? "adapter" : "adapters"}`;
    fail("");
  } catch (error) {
    const locked = error.status === 401;
    $("server").textContent = locked ? "this server asks for a key" : "no answer";
    $("key").placeholder = locked ? "capo_…" : $("key").placeholder;
    if (locked) $("key").focus();
    else fail(error.message);
  }
}

function showModels(cards) {
  const chosen = new Set(selected());
  if (!chosen.size) cards.slice(0, 2).forEach((card) => chosen.add(card.id));
  $("models").replaceChildren(...cards.map((card) => {
    const label = $("model-template").content.firstElementChild.cloneNode(true);
    const box = label.querySelector("input");
    box.value = card.id;
    box.checked = chosen.has(card.id);
    label.querySelector("span").textContent = card.parent ? card.id : `${card.id} (base)`;
    label.classList.toggle("base", !card.parent);
    return label;
  }));
  $("filter").hidden = cards.length < FILTER_FROM;
  countModels();
}

const selected = () => [...document.querySelectorAll("#models input:checked")].map((box) => box.value);

function countModels() {
  const count = selected().length;
  $("count").textContent = count ? `${count} chosen` : "choose at least one";
}

function filterModels() {
  const wanted = $("filter").value.toLowerCase();
  for (const label of $("models").children) {
    const box = label.querySelector("input");
    label.hidden = !box.checked && !box.value.toLowerCase().includes(wanted);
  }
}

// Requests

function request(model) {
  const number = (id) => $(id).value === "" ? undefined : Number($(id).value);
  const shared = {
    model, stream: true, stream_options: { include_usage: true },
    max_tokens: number("max_tokens"), temperature: number("temperature"), top_p: number("top_p"), seed: number("seed"),
    ...($("stop-text").value && { stop: [$("stop-text").value] }),
  };
  const prompt = $("prompt").value;
  return $("form-of").value === "chat"
    ? ["v1/chat/completions", { ...shared, messages: [{ role: "user", content: prompt }] }]
    : ["v1/completions", { ...shared, prompt }];
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const line = part.split("\n").find((one) => one.startsWith("data: "));
      if (!line || line === "data: [DONE]") continue;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new Error(event.error.message);
      yield event;
    }
  }
}

async function answer(model, signal) {
  const card = $("answer-template").content.firstElementChild.cloneNode(true);
  const text = card.querySelector(".text");
  let [path, body] = request(model);
  card.querySelector("h2").textContent = model === baseName ? `${model} (base)` : model;
  card.classList.toggle("base", model === baseName);
  card.classList.add("running");
  card.querySelector(".copy").onclick = (event) => copy(event.target, text.innerText);
  card.querySelector(".curl").onclick = (event) => copy(event.target, curl(path, body));
  $("answers").append(card);
  try {
    await write(card, path, body, signal);
  } catch (error) {
    if (error.name === "AbortError") {
      card.querySelector(".facts").textContent = "stopped";
    } else if (error.status === 400 && error.message.includes("/v1/classify")) {
      [path, body] = ["v1/classify", { model, input: $("prompt").value }];
      await classify(card, path, body, signal).catch((fault) => failed(card, fault));
    } else {
      failed(card, error);
    }
  }
  card.classList.remove("running");
}

async function write(card, path, body, signal) {
  const text = card.querySelector(".text"), facts = card.querySelector(".facts");
  const began = performance.now();
  let first = 0, finish = "";
  for await (const event of events(await ask(path, body, signal))) {
    const choice = event.choices[0];
    const piece = choice?.delta?.content ?? choice?.text ?? "";
    if (piece) {
      first ||= performance.now();
      text.append(piece);
    }
    finish = choice?.finish_reason || finish;
    if (event.usage) facts.textContent = told(event.usage, began, first || performance.now(), finish);
  }
}

function told(usage, began, first, finish) {
  const written = usage.completion_tokens, seconds = (performance.now() - first) / 1000;
  const pace = written > 1 && seconds > 0 ? `, ${((written - 1) / seconds).toFixed(0)} tokens/s` : "";
  const ended = finish === "length" ? ", cut at the limit" : "";
  return `${written} tokens, first after ${((first - began) / 1000).toFixed(2)} s${pace}${ended}`;
}

async function classify(card, path, body, signal) {
  const began = performance.now();
  const { data: [said] } = await (await ask(path, body, signal)).json();
  const list = document.createElement("dl");
  const found = Object.entries(said.numbers || said.probabilities).sort((a, b) => b[1] - a[1]);
  for (const [name, value] of found.slice(0, LABELS_SHOWN)) list.append(...row(name, value, !said.numbers));
  card.querySelector(".text").replaceChildren(list);
  const rest = found.length - LABELS_SHOWN;
  card.querySelector(".facts").textContent =
    `${((performance.now() - began) / 1000).toFixed(2)} s${rest > 0 ? `, ${rest} less likely labels not shown` : ""}`;
}

function row(name, value, share) {
  const [term, bar, figure] = ["dt", "dd", "dd"].map((tag) => document.createElement(tag));
  term.textContent = name;
  figure.textContent = share ? `${(100 * value).toFixed(1)} %` : value.toPrecision(4);
  if (share) bar.append(Object.assign(document.createElement("meter"), { value, ariaLabel: name }));
  return [term, bar, figure];
}

function failed(card, error) {
  card.classList.add("failed");
  card.querySelector(".text").textContent = error.message;
}

function curl(path, body) {
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  const key = $("key").value.trim() ? ` \\\n  -H "Authorization: Bearer $CAPO_KEY"` : "";
  return `curl -N ${new URL(path, location.href)} \\\n  -H 'Content-Type: application/json'${key} \\\n  -d '${quoted}'`;
}

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => { button.textContent = before; }, 1200);
}

async function run(event) {
  event.preventDefault();
  if (running) return;
  const models = selected();
  fail(models.length ? "" : "choose at least one model");
  if (!models.length) return;
  running = new AbortController();
  $("run").disabled = true;
  $("stop").hidden = false;
  $("answers").replaceChildren();
  await Promise.all(models.map((model) => answer(model, running.signal)));
  running = null;
  $("run").disabled = false;
  $("stop").hidden = true;
}

$("form").addEventListener("submit", run);
$("stop").addEventListener("click", () => running?.abort());
$("models").addEventListener("change", countModels);
$("filter").addEventListener("input", filterModels);
$("key").addEventListener("change", listModels);
$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("form").requestSubmit();
});
listModels();
