/** A run that cannot end is a failure, not a wait: seconds after the last test nothing may hold the process any more. */
after(() => {
  setTimeout(() => {
    console.error(`The tests left something running: ${process.getActiveResourcesInfo().join(", ")}`);
    process.exit(1);
  }, 20_000).unref();
});
