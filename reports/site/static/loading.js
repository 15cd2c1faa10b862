// A report that was compressed for a site: unpack it in place of this page. Prompts and references, which are
// the same in most runs, are stored once in the site's folder of samples.

const element = document.getElementById("packed");

/** The shared data as a part of the report's JSON; empty if their file is missing. */
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
