// Where images come from: a drop, the clipboard, the file dialog, an example.

const get = (id) => document.getElementById(id);

/** Call `take(file)` for every image that the visitor brings, `refuse(message)` where there is none in what he brings. */
export function listenForImages(take, refuse) {
  const first = (transfer) => {
    const file = transfer?.files[0];
    return file ? take(file) : refuse("What you brought holds no file; save the image first, then drop or paste that.");
  };
  get("choose").addEventListener("click", () => get("file").click());
  get("file").addEventListener("change", ({ target }) => {
    if (target.files[0]) take(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => first(event.clipboardData));
  document.addEventListener("dragover", (event) => mark(event, true));
  document.addEventListener("dragleave", (event) => mark(event, event.relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    mark(event, false);
    first(event.dataTransfer);
  });
  for (const button of get("examples").querySelectorAll("button")) button.addEventListener("click", () => takeExample(button.value, take));
}

function mark(event, over) {
  event.preventDefault();
  document.body.classList.toggle("over", over);
}

async function takeExample(path, take) {
  const content = await (await fetch(path)).blob();
  take(new File([content], path.split("/").pop(), { type: content.type }));
}
