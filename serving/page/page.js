"use strict";

const form = document.getElementById("ask");
const query = document.getElementById("q");
const picture = document.getElementById("picture");
const status = document.getElementById("status");
const results = document.getElementById("results");
const template = document.getElementById("answer");
const more = document.getElementById("more");
const LEGS = { visual: "picture", text: "meaning", transcript: "said", caption: "seen", screen: "read" };
const STEP = 10;
const MOST = 100;
let asked = 0;
let askMore = null;

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return (seconds >= 3600 ? `${Math.floor(seconds / 3600)}:` : "") + parts.join(":");
}

function tell(text, isError = false) {
  status.textContent = text;
  status.classList.toggle("error", isError);
}

// Offsets count characters, as Python does; a string here counts UTF-16 units.
function marked(place, kind, text, spans) {
  place.dataset.kind = kind;
  const characters = Array.from(text);
  let done = 0;
  for (const [start, end] of spans) {
    place.append(characters.slice(done, start).join(""));
    const word = document.createElement("mark");
    word.textContent = characters.slice(start, end).join("");
    place.append(word);
    done = end;
  }
  place.append(characters.slice(done).join(""));
}

function play(shown, answer) {
  const video = document.createElement("video");
  video.controls = true;
  video.autoplay = true;
  video.src = answer.media;
  video.setAttribute("aria-label", `${answer.name} from ${clock(answer.start_ms)}`);
  video.addEventListener("error", () => tell(`${answer.name} cannot be played by this browser.`, true));
  shown.replaceChildren(video);
  video.focus();
}

function drawn(answer) {
  const card = template.content.cloneNode(true);
  const times = `${clock(answer.start_ms)}–${clock(answer.end_ms)}`;
  card.querySelector("h2").textContent = answer.name;
  const place = card.querySelector(".place");
  place.textContent = answer.uri ? `in ${answer.uri.split("/").at(-2) || "/"}` : "no file holds it any more";
  place.title = answer.uri;
  card.querySelector("img").src = answer.picture;
  card.querySelector(".time").textContent = times;
  const button = card.querySelector(".play");
  button.setAttribute("aria-label", `Play ${answer.name}, ${times}`);
  button.addEventListener("click", () => play(button.parentElement, answer));
  marked(card.querySelector(".said"), "said", answer.transcript, answer.matches.transcript);
  marked(card.querySelector(".seen"), "seen", answer.caption, answer.matches.caption);
  marked(card.querySelector(".read"), "read", answer.screen, answer.matches.screen);
  for (const name of [".said", ".seen", ".read"]) {
    const words = card.querySelector(name);
    if (!words.textContent) words.remove();
  }
  const legs = card.querySelector(".legs");
  for (const [leg, hit] of Object.entries(answer.legs)) {
    const told = document.createElement("li");
    told.textContent = `${LEGS[leg] ?? leg} ${hit.score.toFixed(2)}, #${hit.rank}`;
    told.title = `leg ${leg}: place ${hit.rank}, score ${hit.score}`;
    legs.append(told);
  }
  const also = card.querySelector(".also");
  also.hidden = !answer.copies.length;
  answer.copies.forEach((copy, place) => {
    const link = document.createElement("a");
    link.href = copy.media;
    link.textContent = copy.name;
    link.title = copy.uri;
    also.append(place ? ", " : "", link);
  });
  const like = card.querySelector(".like");
  like.setAttribute("aria-label", `Find videos similar to ${answer.name}`);
  like.addEventListener("click", () => {
    const about = new URLSearchParams({ segment: answer.segment_id });
    ask(`/api/similar?${about}`, {}, `like ${answer.name}`);
  });
  return card;
}

async function ask(address, options, about, limit = STEP) {
  const mine = ++asked;
  const before = limit > STEP ? results.childElementCount : 0;
  tell("Searching…");
  more.hidden = true;
  results.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`${address}&limit=${limit}`, options);
    const answer = await response.json();
    if (mine !== asked) return;
    results.replaceChildren();
    if (!response.ok) return tell(answer.error, true);
    results.append(...answer.results.map(drawn));
    const count = answer.results.length;
    const meant = Object.values(answer.meant);
    const also = meant.length ? `; looked for ${meant.map((word) => `“${word}”`).join(", ")} too` : "";
    tell((count ? `${count} ${count === 1 ? "answer" : "answers"} ${about}` : `Nothing found ${about}`) + also);
    askMore = () => ask(address, options, about, limit + STEP);
    more.hidden = count < limit || limit >= MOST;
    if (before) results.children[before]?.querySelector(".play").focus();
  } catch {
    if (mine === asked) tell("The server does not answer.", true);
  } finally {
    if (mine === asked) results.removeAttribute("aria-busy");
  }
}

more.addEventListener("click", () => askMore?.());

function narrowed() {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name !== "q" && typeof value === "string" && value.trim()) fields.set(name, value.trim());
  }
  return fields;
}

function search() {
  const fields = narrowed();
  fields.set("q", query.value);
  ask(`/api/search?${fields}`, {}, `to “${query.value}”`);
  return fields;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const address = `?${search()}`;
  if (address !== location.search) history.pushState(null, "", address);
});

picture.addEventListener("change", () => {
  const file = picture.files[0];
  if (!file) return;
  const fields = narrowed();
  fields.delete("every_segment");
  ask(`/api/similar?${fields}`, { method: "POST", body: file }, `like ${file.name}`);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    query.select();
    query.focus();
  }
});

async function tellRelease() {
  const response = await fetch("/api/release");
  const answer = await response.json();
  document.getElementById("release").textContent = response.ok
    ? `release ${answer.release} · ${answer.videos} videos, ${answer.segments} segments · ` +
      Object.entries(answer.spaces).map(([space, version]) => `${space}: ${version}`).join(", ")
    : answer.error;
}

tellRelease().catch(() => tell("The server does not answer.", true));

function restore() {
  const fields = new URLSearchParams(location.search);
  form.reset();
  for (const [name, value] of fields) {
    const field = form.elements.namedItem(name);
    if (!(field instanceof HTMLInputElement)) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
  }
  if ([...fields.keys()].some((name) => name !== "q")) document.getElementById("narrow").open = true;
  if (fields.get("q")) return search();
  asked++;
  results.replaceChildren();
  more.hidden = true;
  tell("");
}

window.addEventListener("popstate", restore);
restore();
