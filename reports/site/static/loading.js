// A report that was packed for a site: unpack it and let it take this page's place.
unpack(document.getElementById("packed").textContent).then((page) => {
  document.open();
  document.write(page);
  document.close();
}).catch((error) => {
  document.getElementById("state").textContent = `The report cannot be unpacked by this browser (${error.message}).`;
});
