"use strict";

// Asks again for everything static on this page and shows the headers of the answers.
const table = document.querySelector("#answers tbody");

function addRow(cells) {
    const row = table.insertRow();
    for (const cell of cells) {
        row.insertCell().textContent = cell || "-";
    }
}

async function show(url) {
    const headers = (await fetch(url)).headers;
    addRow([
        new URL(url).pathname,
        headers.get("Cache-Control"),
        headers.get("Content-Encoding"),
        headers.get("ETag"),
    ]);
}

const urls = new Set([
    document.querySelector("link[rel=stylesheet]").href,
    document.querySelector("script").src,
    document.querySelector("img").src,
]);
urls.forEach(show);
