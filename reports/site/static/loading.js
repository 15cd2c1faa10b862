// A report that was packed for a site: unpack it and let it take this page's place. Prompts and references, which are
// the same in most runs, lie once in the site's folder of samples.

const element = document.getElementById("packed");

/** What is shared, as a part of the report's JSON; nothing of it where its file is not beside this one. */
function loadShared() {
  return new Promise((resolve) => {
    const none = '"samples":{},"texts":[]';
    window.shared = (letters) => unpack(letters).then(resolve, () => resolve(none));
    const script = document.createElement("script");
    script.src = element.dataset.shared;
    script.addEventListener("error", () => resolve(none));
    document.head.append(script);
  });
}

Promise.all([unpack(element.textContent), loadShared()]).then(([page, shared]) => {
  document.open();
  document.write(page.replace("<@shared@>", () => shared));
  document.close();
}).catch((error) => {
  document.getElementById("state").textContent = `The report cannot be unpacked by this browser (${error.message}).`;
});
